/*
 * The waits of one association: woken by the parent's hint, by the
 * modality's hanging up, and by time.
 *
 * Errors: ERR_TEMPORARY and what fs.c says before an item is published; after
 * that nothing fails that would not be answered or logged.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/ledger.h"
#include "../spool/log.h"
#include "../spool/watch.h"
#include "account.h"
#include "channel.h"
#include "respond.h"
#include "wait_table.h"

#define LOOK_MS 1000 /* without a hint */
#define FIRST_LOOK_MS                                                          \
	20		     /* at links and sender: most answers are here by  \
				then */
#define WATCH_ANSWER_MS 5000 /* for the parent's */
#define MS_PER_S	1000

/* What came since the last look. */
struct hints {
	struct child *child;
	bool look;
	bool folder_gone;
};

static void close_watch(struct child *child);
static bool ask_for_folder(struct child *child);
static int add_destinations(
    const struct child *child, struct wait *wait, struct err *err);
static void free_wait(struct wait *wait);
static void look(const struct child *child, bool deadlines);
static int answer_those_over(struct child *child, struct err *err);
static int answer(struct child *child, struct wait *wait, struct err *err);
static void sync_those_due(struct child *child);
static void make_slot(struct child *child);
static int64_t next_time(const struct child *child, int64_t until_ms);
static bool pause_until(struct child *child, int64_t until_ms, bool *hinted);
static bool take_hints(struct child *child);
static void on_event(
    void *context, int wd, enum watch_what what, const char *file);
static void hung_up(struct child *child);
static void sweep(const struct child *child);
static int remove_marker(void *context, const char *file);

int
wait_prepare(struct child *child, struct err *err)
{
	char path[PATH_SIZE];
	struct stat st;

	/* Somebody may have removed it, or made result/ anew; where we watch
	 * we are told. */
	if (child->has_folder && child->watch_fd != -1)
		return 0;
	path_association(path, child->association);
	if (child->has_folder &&
	    fs_stat(child->spool->root_fd, path, &st, NULL) == 1)
		return 0;
	if (!ask_for_folder(child))
		return err_set(
		    err, ERR_TEMPORARY, "%s is not to be had any more", path);
	child->has_folder = true;
	return 0;
}

int
wait_add(struct child *child, const struct wait_item *item,
    struct item_writer **writer, struct err *err)
{
	struct wait *wait;

	wait = calloc(1, sizeof(*wait));
	if (wait == NULL)
		return err_sys(err, "get memory for a wait");
	wait->message_id = item->request->message_id;
	wait->request = *item->request;
	wait->context_id = item->context_id;
	wait->route = item->route;
	wait->arrived_ms = item->arrived_ms;
	wait->sync_at_ms = item->arrived_ms + child->conf->sync_delay_ms;
	name_format(item->name, wait->file);
	name_key_format(item->name, wait->key);
	if (add_destinations(child, wait, err) == -1) {
		free_wait(wait);
		return -1;
	}
	wait->writer = *writer;
	*writer = NULL;
	wait->next = child->waits;
	child->waits = wait;
	return 0;
}

enum assoc_event
wait_run(struct child *child, struct err *err)
{
	int64_t look_at_ms = clock_mono_ms() + FIRST_LOOK_MS;
	bool hinted = false, all;
	struct err ignored;

	while (child->waits != NULL) {
		all = clock_mono_ms() >= look_at_ms ||
		      atomic_load(&child->shared->stopping);
		if (all) {
			look_at_ms = clock_mono_ms() + LOOK_MS;
			(void)wait_prepare(child, &ignored);
		}
		if (all || hinted)
			look(child, all);
		if (answer_those_over(child, err) == -1) {
			hung_up(child);
			return ASSOC_CLOSED;
		}
		sync_those_due(child);
		if (child->waits != NULL) {
			wait_tidy(child);
			make_slot(child);
		}
		if (child->waits != NULL &&
		    !pause_until(
			child, next_time(child, look_at_ms), &hinted)) {
			(void)err_set(err, ERR_TEMPORARY,
			    "the modality hung up while it waited");
			hung_up(child);
			return ASSOC_CLOSED;
		}
	}
	if (child->strays)
		sweep(child);
	return ASSOC_PDV;
}

void
wait_idle(struct child *child)
{
	if (take_hints(child) && child->has_folder)
		sweep(child);
}

/* Not at once: on the same processor it would be done before the modality is
 * awake. */
void
wait_tidy(struct child *child)
{
	struct wait *wait;

	while ((wait = child->answered) != NULL) {
		child->answered = wait->next;
		wait_remove_markers(child, wait);
		account_answered(child, wait->file, &wait->request,
		    wait->status, wait->answered_ms - wait->arrived_ms);
		LOG(wait->is_good ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		    wait->is_good ? "stored" : "not-stored",
		    LOG_STR("association", child->association),
		    LOG_STR("item", wait->file),
		    LOG_HEX("status", wait->status), LOG_STR("how", wait->how),
		    LOG_INT("bytes", item_writer_bytes(wait->writer)),
		    LOG_INT("ms", wait->answered_ms - wait->arrived_ms));
		free_wait(wait);
	}
}

static void
close_watch(struct child *child)
{
	if (child->watch_fd != -1)
		(void)close(child->watch_fd);
	child->watch_fd = -1;
}

/* Of the parent: the child may make and watch nothing. Without a watch the wait
 * is served by its own looks. */
static bool
ask_for_folder(struct child *child)
{
	struct pollfd poller = {.fd = child->parent_fd, .events = POLLIN};
	int64_t until_ms = clock_mono_ms() + WATCH_ANSWER_MS;
	enum channel_word word;
	int watch_fd;

	close_watch(child);
	if (channel_send(child->parent_fd, CHANNEL_WATCH) == -1) {
		(void)poll(NULL, 0, WATCH_ANSWER_MS); /* as below */
		return false;
	}
	for (;;) {
		int64_t left_ms = until_ms - clock_mono_ms();

		if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) == 0)
			return false;
		word = channel_receive_fd(child->parent_fd, &watch_fd);
		if (word == CHANNEL_LEDGER)
			ledger_take(child->shared->ledger, watch_fd);
		if (word == CHANNEL_WATCHED)
			child->watch_fd = watch_fd;
		if (word == CHANNEL_WATCHED || word == CHANNEL_UNWATCHED)
			return true;
		/* The parent is: we are killed in a moment, and say nothing. */
		if (word == CHANNEL_GONE)
			(void)poll(NULL, 0, WATCH_ANSWER_MS);
		if (word == CHANNEL_NO_FOLDER || word == CHANNEL_GONE)
			return false;
	}
}

static int
add_destinations(const struct child *child, struct wait *wait, struct err *err)
{
	const struct conf_route *route = wait->route;
	size_t i;

	wait->destinations =
	    calloc(route->destinations_n, sizeof(*wait->destinations));
	if (wait->destinations == NULL)
		return err_sys(err, "get memory for a wait");
	wait->destinations_n = route->destinations_n;
	for (i = 0; i < route->destinations_n; i++) {
		wait->destinations[i].name =
		    child->conf->destinations[route->destinations[i]].name;
		wait->destinations[i].waited_for = route->wait_for[i];
		wait->destinations[i].deadline_ms =
		    wait->arrived_ms +
		    (int64_t)route->response_timeout_s * MS_PER_S;
	}
	return 0;
}

static void
free_wait(struct wait *wait)
{
	item_writer_close(&wait->writer);
	free(wait->destinations);
	free(wait);
}

static void
look(const struct child *child, bool deadlines)
{
	struct wait *wait;

	for (wait = child->waits; wait != NULL; wait = wait->next) {
		wait_look_markers(child, wait);
		if (deadlines)
			wait_look_deadlines(child, wait);
	}
}

/* -1: the modality is gone. */
static int
answer_those_over(struct child *child, struct err *err)
{
	struct wait **link = &child->waits, *wait;
	int rc;

	while ((wait = *link) != NULL) {
		if (!wait_is_over(wait, clock_mono_ms())) {
			link = &wait->next;
			continue;
		}
		rc = answer(child, wait, err);
		*link = wait->next;
		wait->next = child->answered;
		child->answered = wait;
		if (rc == -1)
			return -1;
	}
	return 0;
}

static int
answer(struct child *child, struct wait *wait, struct err *err)
{
	struct wait_decision decision;
	size_t i;
	int rc;

	wait_decide(child, wait, &decision);
	if (wait_is_delivered(wait))
		item_writer_let_go(wait->writer);
	rc = respond(
	    child, wait->context_id, &wait->request, &decision.answer, err);
	child->stored += decision.is_good;
	child->refused += !decision.is_good;
	wait->status = decision.answer.status;
	wait->is_good = decision.is_good;
	wait->how = decision.how;
	wait->answered_ms = clock_mono_ms();
	if (rc == -1)
		LOG(LOG_LEVEL_WARNING, "answer-failed",
		    LOG_STR("association", child->association),
		    LOG_STR("item", wait->file), LOG_STR("error", err->text));
	/* It is still the spool's to deliver, whatever was said of it. */
	if (!wait_is_delivered(wait))
		(void)wait_sync(child, wait);
	for (i = 0; i < wait->destinations_n; i++)
		if (!wait->destinations[i].final)
			child->strays = true;
	return rc;
}

static void
sync_those_due(struct child *child)
{
	struct wait *wait;

	for (wait = child->waits; wait != NULL; wait = wait->next)
		if (!wait->synced && clock_mono_ms() >= wait->sync_at_ms)
			(void)wait_sync(child, wait);
}

/* When something is to be done without a hint. */
static int64_t
next_time(const struct child *child, int64_t until_ms)
{
	const struct wait *wait;
	size_t i;

	for (wait = child->waits; wait != NULL; wait = wait->next) {
		if (!wait->synced && !wait->sync_failed &&
		    wait->sync_at_ms < until_ms)
			until_ms = wait->sync_at_ms;
		for (i = 0; i < wait->destinations_n; i++)
			if (wait->destinations[i].waited_for &&
			    !wait->destinations[i].known &&
			    wait->destinations[i].deadline_ms < until_ms &&
			    wait->destinations[i].deadline_ms > clock_mono_ms())
				until_ms = wait->destinations[i].deadline_ms;
	}
	return until_ms;
}

/* false: the modality hung up. */
static bool
pause_until(struct child *child, int64_t until_ms, bool *hinted)
{
	struct pollfd pollers[] = {
	    {.fd = child->parent_fd, .events = POLLIN},
	    {.fd = assoc_fd(child->assoc), .events = POLLRDHUP},
	    {.fd = child->watch_fd, .events = POLLIN},
	};
	int64_t left_ms = until_ms - clock_mono_ms();

	*hinted = false;
	if (poll(pollers, 3, left_ms > 0 ? (int)left_ms : 0) <= 0)
		return true;
	if (pollers[0].revents != 0 || pollers[2].revents != 0)
		*hinted = take_hints(child);
	return pollers[1].revents == 0;
}

/* Whether one of them was to look. */
static bool
take_hints(struct child *child)
{
	struct hints hints = {.child = child};
	enum channel_word word;
	bool look = false;
	int passed;

	if (child->watch_fd != -1 &&
	    watch_read(child->watch_fd, on_event, &hints, NULL) == -1)
		close_watch(child);
	if (hints.folder_gone && child->has_folder) {
		child->has_folder = false;
		(void)wait_prepare(child, NULL);
	}
	look = hints.look;

	while ((word = channel_receive_fd(child->parent_fd, &passed)) !=
		   CHANNEL_NONE &&
	       word != CHANNEL_GONE) {
		look = look || word == CHANNEL_LOOK;
		if (word == CHANNEL_LEDGER)
			ledger_take(child->shared->ledger, passed);
	}
	return look;
}

static void
on_event(void *context, int wd, enum watch_what what, const char *file)
{
	struct hints *hints = context;

	(void)wd;
	(void)file;
	hints->folder_gone = hints->folder_gone || what == WATCH_GONE;
	hints->look = true;
}

/* While others are at work: the file of the item that follows, where one is to
 * be expected. */
static void
make_slot(struct child *child)
{
	if (child->slot.fd != -1 || child->stored + child->refused == 0)
		return;
	(void)item_slot_open(
	    child->spool, child->association, &child->slot, NULL);
}

/* Nobody is left to answer; what is queued stays, and is made durable. */
static void
hung_up(struct child *child)
{
	struct wait *wait;

	while ((wait = child->waits) != NULL) {
		account_answered(child, wait->file, &wait->request,
		    RESULT_NO_STATUS, clock_mono_ms() - wait->arrived_ms);
		LOG(LOG_LEVEL_WARNING, "hung-up",
		    LOG_STR("association", child->association),
		    LOG_STR("item", wait->file),
		    LOG_INT("ms", clock_mono_ms() - wait->arrived_ms));
		if (!wait_is_delivered(wait))
			(void)wait_sync(child, wait);
		child->waits = wait->next;
		free_wait(wait);
	}
}

/* Nothing is waited for, so all that is there came late. */
static void
sweep(const struct child *child)
{
	char path[PATH_SIZE];
	int fd;

	path_association(path, child->association);
	fd = fs_open_dir(child->spool->root_fd, path, NULL);
	if (fd == -1)
		return;
	(void)fs_scan(fd, ".", remove_marker, &fd, NULL);
	(void)fs_close(&fd, path, NULL);
}

static int
remove_marker(void *context, const char *file)
{
	const int *folder_fd = context;

	(void)fs_unlink(*folder_fd, file, NULL);
	return 0;
}
