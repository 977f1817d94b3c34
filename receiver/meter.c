/*
 * MaxQueueBytes and MaxQueueBytesPerPeer. Between two counts, what is published
 * is added; what is published while a count runs may be counted twice until the
 * next one, so that the limit is reached rather too early than too late.
 *
 * Errors: ERR_CONFIG for too many limits. What cannot be counted is not.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/log.h"
#include "../spool/process.h"
#include "meter.h"
#include "sources.h"

#define RESTART_MS  1000
#define REST_MIN_MS 1000
#define REST_MAX_MS 60000
#define REST_FACTOR 9 /* rest so many times as long as the count took */

/* Where a count is. */
struct count {
	const struct meter_job *job;
	struct sources *sources; /* NULL: peers have no limit */
	const char *dest;
	struct shared_meter *meter; /* NULL: it has no limit */
	enum queue_state state;
	int64_t bytes;
};

static bool is_needed(const struct conf *conf);
static void count_for_ever(const struct meter_job *job)
    __attribute__((noreturn));
static struct sources *prepare(const struct meter_job *job);
static int count_once(
    const struct meter_job *job, struct sources *sources, struct err *err);
static struct shared_meter *find(struct shared *shared, const char *name);
static int count_destination(void *context, const char *dest);
static int count_file(void *context, const char *file);

int
meter_prepare(struct shared *shared, const struct conf *conf, struct err *err)
{
	const struct conf_destination *d;
	size_t i, n;

	for (i = 0; i < conf->destinations_n; i++) {
		d = &conf->destinations[i];
		if (d->max_queue_bytes == 0 || find(shared, d->name) != NULL)
			continue;
		n = shared->meters_n;
		if (n == SHARED_METERS)
			return err_set(err, ERR_CONFIG,
			    "more than %d destinations with MaxQueueBytes; "
			    "a restart forgets those that are no longer there",
			    SHARED_METERS);
		(void)snprintf(shared->meters[n].name,
		    sizeof(shared->meters[n].name), "%s", d->name);
		shared->meters[n].bytes = &shared->common->bytes[n];
		shared->meters_n++;
	}
	return 0;
}

void
meter_start(struct meter_process *process, const struct meter_job *job)
{
	struct err err = {.class = ERR_NONE};
	pid_t pid;

	process->due_ms = INT64_MAX;
	if (!is_needed(job->conf))
		return;
	pid = process_fork(&process->fd, &err);
	if (pid == 0) {
		job->become(job->context);
		count_for_ever(job);
	}
	if (pid == -1) {
		LOG(LOG_LEVEL_ERROR, "meter-failed",
		    LOG_STR("error", err.text));
		process->due_ms = clock_mono_ms() + RESTART_MS;
		return;
	}
	process->pid = pid;
}

void
meter_end(struct meter_process *process)
{
	if (process->pid == 0)
		return;
	(void)kill(process->pid, SIGKILL);
	meter_forget(process);
}

void
meter_reaped(struct meter_process *process, pid_t pid, int wait_status)
{
	char how[PROCESS_HOW_SIZE];

	if (pid != process->pid)
		return;
	process_describe(wait_status, how, sizeof(how));
	LOG(LOG_LEVEL_ERROR, "meter-died", LOG_STR("how", how));
	meter_forget(process);
	process->due_ms = clock_mono_ms() + RESTART_MS;
}

void
meter_forget(struct meter_process *process)
{
	if (process->fd != -1)
		(void)close(process->fd);
	process->fd = -1;
	process->pid = 0;
}

bool
meter_is_full(struct shared *shared, const struct conf_destination *d)
{
	struct shared_meter *meter;

	if (d->max_queue_bytes == 0)
		return false;
	meter = find(shared, d->name);
	return meter != NULL && atomic_load(&meter->bytes->counted) +
					atomic_load(&meter->bytes->added) >=
				    d->max_queue_bytes;
}

void
meter_add(
    struct shared *shared, const struct conf_destination *d, int64_t bytes)
{
	struct shared_meter *meter;

	if (d->max_queue_bytes == 0)
		return;
	meter = find(shared, d->name);
	if (meter != NULL)
		(void)atomic_fetch_add(&meter->bytes->added, bytes);
}

static bool
is_needed(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->destinations_n; i++)
		if (conf->destinations[i].max_queue_bytes > 0)
			return true;
	return conf->receiver.max_queue_bytes_per_peer > 0;
}

/* It reads envelopes, which hold what came from outside: so it may read the
 * queues, and no more. */
static struct sources *
prepare(const struct meter_job *job)
{
	const struct confine_folder folder = {
	    PATH_QUEUE, CONFINE_READ | CONFINE_LIST};
	struct err err = {.class = ERR_NONE};
	struct sources *sources = NULL;
	int rc;

	rc = confine_enter(job->confine, job->spool->root_fd, &folder, 1, &err);
	if (rc == 0 && job->conf->receiver.max_queue_bytes_per_peer > 0) {
		sources = sources_create(job->spool, job->shared, &err);
		rc = sources == NULL ? -1 : 0;
	}
	if (rc == 0)
		return sources;
	LOG(LOG_LEVEL_ERROR, "meter-failed", LOG_STR("error", err.text));
	_exit(EX_OSERR);
}

static void
count_for_ever(const struct meter_job *job)
{
	struct sources *sources = prepare(job);
	int64_t began_ms, rest_ms;
	struct err err;

	for (;;) {
		began_ms = clock_mono_ms();
		if (count_once(job, sources, &err) == -1)
			LOG(LOG_LEVEL_ERROR, "meter-failed",
			    LOG_STR("error", err.text));
		rest_ms = REST_FACTOR * (clock_mono_ms() - began_ms);
		if (rest_ms < REST_MIN_MS)
			rest_ms = REST_MIN_MS;
		if (rest_ms > REST_MAX_MS)
			rest_ms = REST_MAX_MS;
		(void)poll(NULL, 0, (int)rest_ms);
	}
}

static int
count_once(
    const struct meter_job *job, struct sources *sources, struct err *err)
{
	struct count count = {.job = job, .sources = sources};

	if (sources != NULL)
		sources_begin(sources);
	if (spool_scan_destinations(
		job->spool, count_destination, &count, err) == -1)
		return -1;
	return sources == NULL ? 0 : sources_settle(sources, err);
}

static struct shared_meter *
find(struct shared *shared, const char *name)
{
	size_t i;

	for (i = 0; i < shared->meters_n; i++)
		if (strcmp(shared->meters[i].name, name) == 0)
			return &shared->meters[i];
	return NULL;
}

static int
count_destination(void *context, const char *dest)
{
	static const enum queue_state counted[] = {
	    QUEUE_NEW, QUEUE_ACTIVE, QUEUE_DEFERRED, QUEUE_HOLD, QUEUE_FAILED};
	struct count *count = context;
	const struct conf_destination *d =
	    conf_find_destination(count->job->conf, dest);
	int64_t before = 0;
	char path[PATH_SIZE];
	size_t i;

	count->dest = dest;
	count->bytes = 0;
	count->meter = d == NULL || d->max_queue_bytes == 0
			   ? NULL
			   : find(count->job->shared, dest);
	if (count->meter != NULL)
		before = atomic_load(&count->meter->bytes->added);
	else if (count->sources == NULL)
		return 0;
	for (i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		count->state = counted[i];
		path_state(path, dest, count->state);
		(void)fs_scan(
		    count->job->spool->root_fd, path, count_file, count, NULL);
	}
	if (count->meter == NULL)
		return 0;
	atomic_store(&count->meter->bytes->counted, count->bytes);
	(void)atomic_fetch_sub(&count->meter->bytes->added, before);
	return 0;
}

static int
count_file(void *context, const char *file)
{
	struct count *count = context;
	char path[PATH_SIZE];
	struct stat st;

	if (!name_is_item(file))
		return 0;
	if (count->sources != NULL)
		sources_see(count->sources, count->dest, count->state, file);
	if (count->meter == NULL)
		return 0;
	path_item(path, count->dest, count->state, file);
	if (fs_stat(count->job->spool->root_fd, path, &st, NULL) == 1)
		count->bytes += st.st_size;
	return 0;
}
