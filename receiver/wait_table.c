/*
 * One wait: markers, deadlines, and the answer that follows from them.
 *
 * Errors: none to the caller; what goes wrong is logged, and never makes an
 * answer better.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../spool/fs.h"
#include "../spool/log.h"
#include "outage.h"
#include "wait_table.h"

static void look_marker(
    const struct child *child, struct wait *wait, struct wait_destination *d);
static void remove_marker(const struct child *child, const struct wait *wait,
    struct wait_destination *d);
static void conclude(
    const struct child *child, struct wait *wait, struct wait_destination *d);
static bool is_queued(
    const struct child *child, const char *dest, const char *file);
static void make_durable(struct child *child, struct wait *wait, bool accept,
    struct wait_decision *decision);

void
wait_look_markers(const struct child *child, struct wait *wait)
{
	size_t i;

	for (i = 0; i < wait->destinations_n; i++)
		if (!wait->destinations[i].final)
			look_marker(child, wait, &wait->destinations[i]);
}

void
wait_remove_markers(const struct child *child, struct wait *wait)
{
	size_t i;

	for (i = 0; i < wait->destinations_n; i++)
		if (wait->destinations[i].has_marker)
			remove_marker(child, wait, &wait->destinations[i]);
}

void
wait_look_deadlines(const struct child *child, struct wait *wait)
{
	int64_t since_ms = wait->arrived_ms, down_ms, absent_ms;
	struct wait_destination *d;
	size_t i;

	absent_ms = outage_of_sender(child);
	if (absent_ms < since_ms)
		since_ms = absent_ms;
	for (i = 0; i < wait->destinations_n; i++) {
		d = &wait->destinations[i];
		if (!d->waited_for || d->known)
			continue;
		down_ms = outage_of_link(child, d->name);
		d->deadline_ms =
		    (down_ms < since_ms ? down_ms : since_ms) +
		    (int64_t)wait->route->response_timeout_s * 1000;
		if (shared_is_stopping(child->shared))
			d->deadline_ms = 0;
	}
}

bool
wait_is_over(const struct wait *wait, int64_t now_ms)
{
	const struct wait_destination *d;
	size_t i;

	for (i = 0; i < wait->destinations_n; i++) {
		d = &wait->destinations[i];
		if (d->waited_for && !d->known && now_ms < d->deadline_ms)
			return false;
	}
	return true;
}

/* After a failed fsync(2) a second one may say ok and have done nothing. */
int
wait_sync(struct child *child, struct wait *wait)
{
	struct err err = {.class = ERR_NONE};

	if (wait->synced)
		return 0;
	if (wait->sync_failed)
		return -1;
	if (item_writer_sync(wait->writer, &err) == -1) {
		wait->sync_failed = true;
		LOG(LOG_LEVEL_ERROR, "sync-failed",
		    LOG_STR("association", child->association),
		    LOG_STR("item", wait->file), LOG_STR("error", err.text));
		return -1;
	}
	wait->synced = true;
	return 0;
}

void
wait_decide(
    struct child *child, struct wait *wait, struct wait_decision *decision)
{
	const struct verdict *worst = NULL;
	struct wait_destination *d;
	struct verdict nobody;
	bool accept;
	size_t i;

	for (i = 0; i < wait->destinations_n; i++) {
		d = &wait->destinations[i];
		if (!d->waited_for)
			continue;
		if (!d->known)
			conclude(child, wait, d);
		worst = verdict_worse(worst, &d->verdict);
	}
	if (worst == NULL) { /* not so: WaitFor is never empty, conf_list.c */
		verdict_of_timeout(true, &nobody);
		worst = &nobody;
	}
	decision->answer = worst->answer;
	decision->is_good = worst->class <= VERDICT_WARNING;
	decision->how = verdict_class_name(worst->class);
	accept = worst->class == VERDICT_TIMEOUT &&
		 wait->route->on_timeout == CONF_TIMEOUT_ACCEPT;
	if (decision->is_good || accept)
		make_durable(child, wait, accept, decision);
}

bool
wait_is_delivered(const struct wait *wait)
{
	size_t i;

	for (i = 0; i < wait->destinations_n; i++)
		if (!wait->destinations[i].is_delivered)
			return false;
	return true;
}

static void
look_marker(
    const struct child *child, struct wait *wait, struct wait_destination *d)
{
	struct err err = {.class = ERR_NONE};
	struct result result;
	int rc;

	rc = result_read_marker(child->spool->root_fd, child->association,
	    wait->key, d->name, &result, &err);
	if (rc == 0)
		return;
	d->has_marker = true;
	/* Edited by an operator, it keeps its stamp and message ID: what the
	 * modality sent is not what was delivered. */
	if (rc == 1 && strcmp(result.item, wait->file) != 0)
		rc = err_set(&err, ERR_CORRUPT, "it is of %s", result.item);
	if (rc == -1) {
		/* What cannot be read now may be later. */
		if (err.class == ERR_CORRUPT)
			remove_marker(child, wait, d);
		LOG(LOG_LEVEL_ERROR, "marker-broken",
		    LOG_STR("association", child->association),
		    LOG_STR("item", wait->file), LOG_STR("error", err.text));
		return;
	}
	d->known = true;
	d->final = result.state != RESULT_DEFERRED;
	if (!d->final) /* another may take its place */
		remove_marker(child, wait, d);
	d->is_delivered = result.state == RESULT_DELIVERED;
	verdict_of_result(&result, &d->verdict);
}

static void
remove_marker(const struct child *child, const struct wait *wait,
    struct wait_destination *d)
{
	char path[PATH_SIZE];

	path_marker(path, child->association, wait->key, d->name);
	(void)fs_unlink(child->spool->root_fd, path, NULL);
	d->has_marker = false;
}

/*
 * The time is over. An item that is gone may have been delivered just now:
 * the sender writes the marker before it takes the item away.
 */
static void
conclude(
    const struct child *child, struct wait *wait, struct wait_destination *d)
{
	bool queued;

	look_marker(child, wait, d);
	if (d->known)
		return;
	queued = is_queued(child, d->name, wait->file);
	if (!queued)
		look_marker(child, wait, d);
	if (!d->known)
		verdict_of_timeout(queued, &d->verdict);
}

/* In the order in which it moves, and twice: it may move in between. */
static bool
is_queued(const struct child *child, const char *dest, const char *file)
{
	static const enum queue_state states[] = {
	    QUEUE_NEW, QUEUE_ACTIVE, QUEUE_DEFERRED, QUEUE_HOLD};
	const size_t n = sizeof(states) / sizeof(states[0]);
	char path[PATH_SIZE];
	struct stat st;
	size_t i;

	for (i = 0; i < 2 * n; i++) {
		path_item(path, dest, states[i % n], file);
		if (fs_stat(child->spool->root_fd, path, &st, NULL) == 1)
			return true;
	}
	return false;
}

/*
 * A success rests on the spool where not every destination has confirmed:
 * those that nobody waits for, or, with OnTimeout "accept", those whose time
 * is over. Then it is given on stable storage only.
 */
static void
make_durable(struct child *child, struct wait *wait, bool accept,
    struct wait_decision *decision)
{
	if (!wait_is_delivered(wait) && wait_sync(child, wait) == -1) {
		verdict_set_answer(&decision->answer, STATUS_OUT_OF_RESOURCES,
		    "cannot be put on stable storage");
		decision->is_good = false;
		decision->how = "sync";
	} else if (accept) {
		verdict_set_answer(&decision->answer, STATUS_SUCCESS, NULL);
		decision->is_good = true;
		decision->how = "accepted";
	}
}
