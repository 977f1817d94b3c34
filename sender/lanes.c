/*
 * Lanes as their parent sees them.
 *
 * Errors: a lane that cannot be started is logged, and tried again in a
 * second; a lane that dies is what settle.c and down.c make of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/label.h"
#include "../spool/process.h"
#include "connector.h"
#include "down.h"
#include "identities.h"
#include "lanes.h"
#include "settle.h"

#define SPAWN_RETRY_MS 1000
#define CONNECTS_MAX   4 /* that a lane may ask for in a job */

static struct lane_handle *find_idle(const struct destination *dest);
static struct lane_handle *spawn(struct destination *dest);
static int start(struct lane_handle *lane, struct err *err);
static void run_child(struct lane_handle *lane, int socket_fd);
static int confine_lane(const struct destination *dest, struct err *err);
static void connect_for(
    struct lane_handle *lane, const struct connector_request *request);
static void hear(void *context);
static bool is_report(struct lane_report *said, enum lane_job_kind kind);
static void handle_report(
    struct lane_handle *lane, const struct lane_report *report);
static void bury(struct lane_handle *lane);
static void reap(struct lane_handle *lane);
static void end(struct lane_handle *lane);
static void close_all(struct sender *sender);
static void count(const struct destination *dest);
static void become_idle(struct lane_handle *lane);

struct lane_handle *
lanes_get(struct destination *dest)
{
	struct lane_handle *lane = find_idle(dest);

	if (lane != NULL || lanes_due_ms(dest) != 0)
		return lane;
	return spawn(dest);
}

int64_t
lanes_due_ms(const struct destination *dest)
{
	if (find_idle(dest) != NULL)
		return 0;
	if (dest->lanes_n >= dest->conf->lanes)
		return -1;
	return clock_mono_ms() < dest->spawn_after_ms ? dest->spawn_after_ms
						      : 0;
}

void
lanes_give(struct lane_handle *lane, const struct lane_job *job)
{
	lane->job = *job;
	lane->busy = true;
	lane->connects = 0;
	if (job->kind == LANE_DELIVER)
		atomic_store(&lane->shared->delivered, LANE_NOT_DELIVERED);
	(void)send(lane->socket_fd, job, sizeof(*job), MSG_NOSIGNAL);
}

void
lanes_retire(struct destination *dest)
{
	struct lane_handle *lane, *after;

	for (lane = TAILQ_FIRST(&dest->lanes); lane != NULL; lane = after) {
		after = TAILQ_NEXT(lane, next);
		lane->retiring = true;
		if (!lane->busy)
			end(lane);
	}
}

void
lanes_kill(struct destination *dest)
{
	struct lane_handle *lane;

	while ((lane = TAILQ_FIRST(&dest->lanes)) != NULL) {
		/* It is another one each time: end unlinks it.
		 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		reap(lane);
		settle_lane_killed(lane);
		end(lane);
	}
}

void
lanes_reap(struct sender *sender)
{
	struct destination *dest;
	struct lane_handle *lane;
	int wait_status;
	pid_t pid;

	while ((pid = process_reap(&wait_status)) != 0) {
		sender->children--;
		/* Its last report may still be in the socket: the end of that
		 * is where it is buried. */
		TAILQ_FOREACH (dest, &sender->destinations, next)
			TAILQ_FOREACH (lane, &dest->lanes, next)
				if (lane->connector == pid) {
					lane->connector = 0;
				} else if (lane->pid == pid) {
					lane->pid = 0;
					lane->wait_status = wait_status;
				}
	}
}

static struct lane_handle *
find_idle(const struct destination *dest)
{
	struct lane_handle *lane;

	TAILQ_FOREACH (lane, &dest->lanes, next)
		if (!lane->busy && !lane->retiring)
			return lane;
	return NULL;
}

static struct lane_handle *
spawn(struct destination *dest)
{
	struct lane_handle *lane;
	struct err err = {.class = ERR_NONE};

	lane = calloc(1, sizeof(*lane));
	if (lane == NULL) {
		(void)err_sys(&err, "get memory for a lane");
		goto fail;
	}
	lane->dest = dest;
	lane->socket_fd = -1;
	if (start(lane, &err) == -1)
		goto fail;
	TAILQ_INSERT_HEAD(&dest->lanes, lane, next);
	dest->lanes_n++;
	count(dest);
	LOG(LOG_LEVEL_DEBUG, "lane-started", LOG_STR("destination", dest->name),
	    LOG_INT("lane", lane->pid));
	return lane;
fail:
	free(lane);
	dest->spawn_after_ms = clock_mono_ms() + SPAWN_RETRY_MS;
	LOG(LOG_LEVEL_ERROR, "lane-not-started",
	    LOG_STR("destination", dest->name), LOG_STR("reason", err.text));
	return NULL;
}

static int
start(struct lane_handle *lane, struct err *err)
{
	struct loop *loop = lane->dest->sender->loop;

	lane->shared = mmap(NULL, sizeof(*lane->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lane->shared == MAP_FAILED)
		return err_sys(err, "map memory for a lane");
	lane->shared->counters =
	    counters_of(lane->dest->sender->counters, lane->dest->name);
	lane->pid = process_fork(&lane->socket_fd, err);
	if (lane->pid == 0)
		run_child(lane, lane->socket_fd);
	if (lane->pid == -1)
		goto fail;
	lane->dest->sender->children++;
	if (loop_add(loop, lane->socket_fd, hear, lane, err) == -1)
		goto fail;
	return 0;
fail:
	(void)munmap(lane->shared, sizeof(*lane->shared));
	if (lane->socket_fd != -1)
		(void)close(lane->socket_fd);
	return -1;
}

/* The child: keeps the spool, the lock that it inherits, and its socket. */
static void
run_child(struct lane_handle *lane, int socket_fd)
{
	struct sender *sender = lane->dest->sender;
	struct err err = {.class = ERR_NONE};
	struct tls *tls;

	close_all(sender);
	loop_free(sender->loop);
	(void)close(sender->signal_fd);
	if (sender->watch_fd != -1)
		(void)close(sender->watch_fd);
	tls =
	    identities_take(sender->identities, sender->conf, lane->dest->conf);
	if (confine_lane(lane->dest, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "lane-not-started",
		    LOG_STR("destination", lane->dest->name),
		    LOG_STR("reason", err.text));
		_exit(EX_OSERR);
	}
	_exit(lane_main(
	    &sender->spool, lane->dest->conf, tls, lane->shared, socket_fd));
}

/* The items of its destination to read, and markers to write. */
static int
confine_lane(const struct destination *dest, struct err *err)
{
	const struct sender *sender = dest->sender;
	char path[PATH_SIZE];
	const struct confine_folder folders[] = {
	    {path, CONFINE_READ | CONFINE_LIST},
	    {PATH_RESULT, CONFINE_WRITE | CONFINE_MAKE | CONFINE_REMOVE},
	};

	path_destination(path, dest->name);
	return confine_enter(sender->confine, sender->spool.root_fd, folders,
	    sizeof(folders) / sizeof(folders[0]), err);
}

/* One lane asks for a connection once a try, and there are two. */
static void
connect_for(struct lane_handle *lane, const struct connector_request *request)
{
	struct sender *sender = lane->dest->sender;
	struct err err = {.class = ERR_NONE};
	int pair_fd = -1, lane_fd;
	pid_t pid;

	pid = process_fork(&pair_fd, &err);
	if (pid == -1) {
		connector_refuse(request, &err, lane->socket_fd);
		return;
	}
	if (pid != 0) {
		(void)close(pair_fd);
		lane->connector = pid;
		sender->children++;
		return;
	}
	lane_fd = dup(lane->socket_fd);
	close_all(sender);
	(void)identities_take(sender->identities, sender->conf, NULL);
	connector_serve(lane->dest->conf, request, lane_fd);
	_exit(EX_OK);
}

static void
hear(void *context)
{
	struct lane_handle *lane = context;
	struct lane_report report;
	ssize_t got;

	got = recv(lane->socket_fd, &report, sizeof(report), 0);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	lanes_take(lane, &report, got == -1 ? 0 : (size_t)got);
}

void
lanes_take(struct lane_handle *lane, struct lane_report *said, size_t size)
{
	struct connector_request request;

	if (size == sizeof(request) && lane->busy &&
	    lane->connects++ < CONNECTS_MAX) {
		(void)memcpy(&request, said, sizeof(request));
		connect_for(lane, &request);
	} else if (size == sizeof(*said) && lane->busy &&
		   is_report(said, lane->job.kind)) {
		handle_report(lane, said);
	} else {
		bury(lane);
	}
}

/* It parses what strangers send: nothing is what it says until we have looked,
 * and its strings end where we say. */
static bool
is_report(struct lane_report *said, enum lane_job_kind kind)
{
	const bool *const flags[] = {&said->about_other, &said->answer_lost,
	    &said->marked, &said->has_envelope};
	unsigned char byte;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		(void)memcpy(&byte, flags[i], 1);
		if (byte > 1)
			return false;
	}
	if (said->kind != kind ||
	    (unsigned)said->outcome > (unsigned)LANE_LOCAL_ERROR ||
	    said->offending_n > RESULT_OFFENDING)
		return false;
	said->error_comment[sizeof(said->error_comment) - 1] = '\0';
	said->association[sizeof(said->association) - 1] = '\0';
	said->sop_instance[sizeof(said->sop_instance) - 1] = '\0';
	said->reason[sizeof(said->reason) - 1] = '\0';
	return true;
}

static void
handle_report(struct lane_handle *lane, const struct lane_report *report)
{
	/* So are the others. */
	if (report->outcome == LANE_STALE)
		lanes_retire(lane->dest);
	switch (report->kind) {
	case LANE_DELIVER:
	case LANE_COMPARE:
		settle_report(lane, report);
		if (lane->item != NULL)
			return; /* it has got the next comparison */
		break;
	case LANE_PROBE:
		down_probed(lane->dest, report->outcome == LANE_OK,
		    report->reason, report->outcome == LANE_LINK_REFUSED);
		break;
	case LANE_INSPECT:
		foreign_report(lane, report);
		break;
	}
	become_idle(lane);
}

static void
become_idle(struct lane_handle *lane)
{
	struct destination *dest = lane->dest;

	lane->busy = false;
	if (lane->retiring) {
		end(lane);
		return;
	}
	/* To the front: its association is warm. */
	TAILQ_REMOVE(&dest->lanes, lane, next);
	TAILQ_INSERT_HEAD(&dest->lanes, lane, next);
}

/* It died, or does not speak our language any more. */
static void
bury(struct lane_handle *lane)
{
	struct destination *dest = lane->dest;
	pid_t pid = lane->pid;
	char how[PROCESS_HOW_SIZE], label[LABEL_SIZE];

	reap(lane);
	process_describe(lane->wait_status, how, sizeof(how));
	counters_count(counters_of(dest->sender->counters, dest->name),
	    COUNTERS_LANE_DEATHS);
	label_item(dest->sender->spool.root_fd, dest->name, lane->job.state,
	    lane->busy ? lane->job.file : "", label);
	LOG(LOG_LEVEL_WARNING, "lane-died", LOG_STR("destination", dest->name),
	    LOG_INT("lane", pid), LOG_STR("how", how), LOG_STR("file", label));
	if (lane->busy)
		switch (lane->job.kind) {
		case LANE_DELIVER:
		case LANE_COMPARE:
			settle_lane_died(lane, how);
			break;
		case LANE_PROBE:
			down_probed(dest, false, "the lane died", false);
			break;
		case LANE_INSPECT:
			foreign_lane_died(lane);
			break;
		}
	end(lane);
}

static void
reap(struct lane_handle *lane)
{
	if (lane->pid == 0)
		return;
	(void)kill(lane->pid, SIGKILL);
	process_wait(lane->pid, &lane->wait_status);
	lane->pid = 0;
	lane->dest->sender->children--;
}

/* Closing the socket is the order to end; the child then releases its
 * association, which is not waited for. */
static void
end(struct lane_handle *lane)
{
	struct destination *dest = lane->dest;

	if (lane->connector != 0)
		(void)kill(lane->connector, SIGKILL);
	loop_remove(dest->sender->loop, lane->socket_fd);
	(void)close(lane->socket_fd);
	(void)munmap(lane->shared, sizeof(*lane->shared));
	TAILQ_REMOVE(&dest->lanes, lane, next);
	dest->lanes_n--;
	count(dest);
	free(lane);
}

/* In a forked child: the sockets to all lanes. */
static void
close_all(struct sender *sender)
{
	struct destination *dest;
	struct lane_handle *lane;

	TAILQ_FOREACH (dest, &sender->destinations, next) {
		chores_close(dest);
		TAILQ_FOREACH (lane, &dest->lanes, next)
			if (lane->socket_fd != -1)
				(void)close(lane->socket_fd);
	}
}

static void
count(const struct destination *dest)
{
	counters_set(counters_of(dest->sender->counters, dest->name),
	    COUNTERS_PROCESSES, (uint64_t)dest->lanes_n);
}
