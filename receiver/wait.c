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
#include "../spool/log.h"
#include "account.h"
#include "respond.h"
#include "result_folder.h"
#include "wait_table.h"

#define LOOK_MS 1000 /* without a hint */
#define FIRST_LOOK_MS                                                          \
	20 /* at links and sender: most answers are here by                    \
	      then */
#define MS_PER_S 1000

/* Whether what the modality sends while it waits is looked at: it may be an
 * A-ABORT, after which it need not close. */
enum listening {
	LISTENING_SOON, /* most answers are here before that is of use */
	LISTENING,
	LISTENING_NOT /* it sent something else, which waits for its turn */
};

static int add_destinations(
    const struct child *child, struct wait *wait, struct err *err);
static void free_wait(struct wait *wait);
static void look(const struct child *child, bool deadlines);
static int answer_those_over(struct child *child, struct err *err);
static int answer(struct child *child, struct wait *wait, struct err *err);
static void sync_those_due(struct child *child);
static void make_slot(struct child *child);
static int64_t next_time(const struct child *child, int64_t until_ms);
static bool pause_until(struct child *child, int64_t until_ms, bool *hinted,
    enum listening *listening);
static void hung_up(struct child *child);
static enum assoc_event end_of(struct child *child, struct err *err);

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
	enum listening listening = LISTENING_SOON;
	bool hinted = false, all;
	struct err ignored;

	while (child->waits != NULL) {
		all = clock_mono_ms() >= look_at_ms ||
		      shared_is_stopping(child->shared);
		if (all) {
			look_at_ms = clock_mono_ms() + LOOK_MS;
			(void)result_folder_prepare(child, &ignored);
		}
		if (all && listening == LISTENING_SOON) {
			assoc_poll_any(child->assoc, true);
			listening = LISTENING;
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
		    !pause_until(child, next_time(child, look_at_ms), &hinted,
			&listening)) {
			hung_up(child);
			return end_of(child, err);
		}
	}
	if (child->strays)
		result_folder_empty(child);
	return ASSOC_PDV;
}

/* Not at once: on the same processor it would be done before the modality is
 * awake. The last who lets go of a delivered item frees its pages, too. */
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

/* false: the modality hung up, or aborted. */
static bool
pause_until(struct child *child, int64_t until_ms, bool *hinted,
    enum listening *listening)
{
	struct pollfd pollers[] = {
	    {.fd = child->parent_fd, .events = POLLIN},
	    {.fd = assoc_fd(child->assoc), .events = POLLRDHUP},
	    {.fd = child->watch_fd, .events = POLLIN},
	};
	enum assoc_ahead ahead = ASSOC_AHEAD_NOTHING;
	int64_t left_ms = until_ms - clock_mono_ms();

	*hinted = false;
	if (*listening == LISTENING)
		ahead = assoc_look_ahead(child->assoc);
	if (ahead == ASSOC_AHEAD_END)
		return false;
	if (ahead == ASSOC_AHEAD_MORE)
		*listening = LISTENING_NOT;
	if (*listening == LISTENING)
		pollers[1].events |= POLLIN;
	if (poll(pollers, 3, left_ms > 0 ? (int)left_ms : 0) <= 0)
		return true;
	if (pollers[0].revents != 0 || pollers[2].revents != 0)
		*hinted = result_folder_hints(child);
	return (pollers[1].revents & ~POLLIN) == 0;
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

/* How it did so. */
static enum assoc_event
end_of(struct child *child, struct err *err)
{
	enum assoc_event event = ASSOC_CLOSED;
	struct assoc_pdv pdv;

	if (assoc_look_ahead(child->assoc) == ASSOC_AHEAD_END)
		event = assoc_read_pdv(child->assoc, 0, &pdv, err);
	if (event == ASSOC_ABORTED)
		return event;
	(void)err_set(
	    err, ERR_TEMPORARY, "the modality hung up while it waited");
	return ASSOC_CLOSED;
}
