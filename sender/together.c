/*
 * Settling an item and its equals: a delivered or failed outcome goes to the
 * following items of its UID as long as they hold the same instance, and an
 * equal one in failed/ is superseded. A deferred outcome is told to who waits
 * for one of them.
 *
 * Errors: as settle.c.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/item.h"
#include "account.h"
#include "delivered.h"
#include "moves.h"
#include "together.h"

static bool write_marker(
    struct destination *dest, struct result *result, enum queue_state state);
static void log_result(
    const struct destination *dest, const struct result *result);
static struct index_item *next_other(struct lane_handle *lane);
static void settle_same(struct lane_handle *lane, struct index_item *other,
    const struct lane_report *report);
static void settle_queued(struct lane_handle *lane, struct index_item *other,
    const struct lane_report *report);
static void supersede_failed(
    struct lane_handle *lane, struct index_item *other, struct result *result);
static void forget(struct destination *dest, struct index_item *item);

void
together_result(struct destination *dest, const struct index_item *item,
    enum result_state state, struct result *result)
{
	*result = (struct result){.state = state,
	    .status = RESULT_NO_STATUS,
	    .message_id = item->message_id,
	    .attempts = item->attempts,
	    .breaks = item->breaks,
	    .deaths = item->deaths,
	    .answer_lost = item->answer_lost,
	    .first_us = item->first_us,
	    .last_us = clock_real_us()};
	index_file(item, result->item);
	(void)strcpy(result->sop_instance, item->uid);
	(void)strcpy(result->destination, dest->name);
}

void
together_take_report(struct result *result, const struct lane_report *report)
{
	if (report->outcome == LANE_ANSWERED)
		result->status = report->status;
	(void)strcpy(result->association, report->association);
	(void)memcpy(result->error_comment, report->error_comment,
	    sizeof(result->error_comment));
	(void)memcpy(
	    result->offending, report->offending, sizeof(result->offending));
	result->offending_n = report->offending_n;
	(void)strcpy(result->reason, report->reason);
}

int
together_write_record(struct destination *dest, struct index_item *item)
{
	struct result result;
	struct err err;

	together_result(dest, item, RESULT_DEFERRED, &result);
	if (result_write_record(dest->sender->spool.root_fd, &result, &err) ==
	    0) {
		item->has_record = true;
		item->record_due = false;
		return 0;
	}
	LOG(LOG_LEVEL_ERROR, "record-not-written",
	    LOG_STR("destination", dest->name), LOG_STR("item", result.item),
	    LOG_STR("reason", err.text));
	return -1;
}

struct index_item *
together_move(
    struct destination *dest, struct index_item *item, enum queue_state to)
{
	char file[NAME_ITEM_SIZE], wanted[NAME_ITEM_SIZE];
	struct err err;
	int rc;

	if (item->state == to)
		return item;
	index_file(item, file);
	(void)strcpy(wanted, file);
	rc = moves_item(dest, (enum queue_state)item->state, to, file, &err);
	if (rc == -1) {
		LOG(LOG_LEVEL_ERROR, "item-not-moved",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("to", queue_state_name(to)),
		    LOG_STR("reason", err.text));
		return item;
	}
	if (rc == 0) {
		destination_lost(dest, item);
		return NULL;
	}
	if (strcmp(file, wanted) != 0) {
		destination_forget(dest, item);
		destination_look(dest, to, file);
		return NULL;
	}
	index_set_state(&dest->index, item, to);
	return item;
}

/* S3 -> S4 -> S5 or S6, dcmspool-spool(5) */
struct index_item *
together_put(struct destination *dest, struct index_item *item,
    struct result *result, int64_t due_ms)
{
	enum queue_state to =
	    result->state == RESULT_FAILED ? QUEUE_FAILED : QUEUE_DEFERRED;
	struct err err;
	bool told;

	told = write_marker(dest, result, (enum queue_state)item->state);
	item->waited = false;
	if (result_write_record(dest->sender->spool.root_fd, result, &err) == 0)
		item->has_record = true;
	else
		LOG(LOG_LEVEL_ERROR, "record-not-written",
		    LOG_STR("destination", dest->name),
		    LOG_STR("item", result->item), LOG_STR("reason", err.text));
	item = together_move(dest, item, to);
	if (!told)
		(void)write_marker(dest, result, to);
	log_result(dest, result);
	if (item != NULL)
		index_set_due(&dest->index, item, due_ms, clock_mono_ms());
	return item;
}

/* S3 -> S8, S2 -> S8 */
void
together_corrupt(
    struct destination *dest, struct index_item *item, struct result *result)
{
	char file[NAME_ITEM_SIZE];
	struct err err;

	index_file(item, file);
	(void)write_marker(dest, result, (enum queue_state)item->state);
	if (result_write_record(dest->sender->spool.root_fd, result, &err) ==
	    -1)
		LOG(LOG_LEVEL_ERROR, "record-not-written",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("reason", err.text));
	if (moves_item(dest, (enum queue_state)item->state, QUEUE_CORRUPT, file,
		&err) == -1)
		LOG(LOG_LEVEL_ERROR, "corrupt-not-moved",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("reason", err.text));
	account_corrupt(dest, result);
	LOG(LOG_LEVEL_WARNING, "corrupt", LOG_STR("destination", dest->name),
	    LOG_STR("item", file), LOG_STR("reason", result->reason));
	forget(dest, item);
}

void
together_begin(struct lane_handle *lane, const struct result *result,
    int64_t due_ms, bool told)
{
	struct settlement *s = &lane->settlement;
	struct index_item *item = lane->item;

	*s = (struct settlement){.active = true,
	    .result = *result,
	    .due_ms = due_ms,
	    .other.stamp_us = INT64_MIN};
	if (result->state != RESULT_DELIVERED) {
		lane->item = together_put(lane->dest, item, &s->result, due_ms);
		if (lane->item == NULL)
			lane->dest->in_flight--;
		return;
	}
	s->marker_due = !told && !write_marker(lane->dest, &s->result,
				     (enum queue_state)item->state);
	log_result(lane->dest, &s->result);
}

void
together_compare(struct lane_handle *lane)
{
	struct settlement *s = &lane->settlement;
	struct lane_job job = {.kind = LANE_COMPARE};
	struct index_item *other;

	other = lane->item == NULL || lane->retiring ? NULL : next_other(lane);
	if (other == NULL) {
		together_end(lane);
		return;
	}
	index_name(other, &s->other);
	s->other_is_queued = other->state != QUEUE_FAILED;
	job.state = (enum queue_state)lane->item->state;
	index_file(lane->item, job.file);
	job.other_state = (enum queue_state)other->state;
	index_file(other, job.other);
	job.keep = s->result.state == RESULT_FAILED;
	lanes_give(lane, &job);
}

void
together_report(struct lane_handle *lane, const struct lane_report *report)
{
	struct settlement *s = &lane->settlement;
	struct destination *dest = lane->dest;
	struct index_item *other;
	struct result result;

	other = index_find(&dest->index, &s->other);
	if (!report->about_other || other == NULL || other == lane->item) {
		together_end(lane);
		return;
	}
	switch (report->outcome) {
	case LANE_OK:
		settle_same(lane, other, report);
		break;
	case LANE_GONE:
		destination_lost(dest, other);
		break;
	case LANE_CORRUPT:
		together_result(dest, other, RESULT_FAILED, &result);
		(void)strcpy(result.reason, report->reason);
		together_corrupt(dest, other, &result);
		break;
	case LANE_DIFFERENT:
		if (!s->other_is_queued)
			break; /* one in failed/ bars no other */
		together_end(lane);
		return;
	case LANE_UNFINISHED:
	case LANE_STALE:
	case LANE_LOCAL_ERROR:
	case LANE_ANSWERED:
	case LANE_CONTEXT_REFUSED:
	case LANE_UNADDRESSED:
	case LANE_LINK_FAILED:
	case LANE_LINK_REFUSED:
	case LANE_BROKEN:
		together_end(lane);
		return;
	}
	together_compare(lane);
}

void
together_end(struct lane_handle *lane)
{
	struct settlement *s = &lane->settlement;
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;

	s->active = false;
	lane->item = NULL;
	if (item == NULL)
		return;
	if (s->result.state == RESULT_DELIVERED) {
		delivered_end(dest, item, &s->result, s->marker_due);
		/* There may be room for it now. */
		if (s->marker_due)
			(void)write_marker(dest, &s->result, QUEUE_ACTIVE);
		return;
	}
	item->in_flight = false;
	dest->in_flight--;
	index_set_due(&dest->index, item, s->due_ms, clock_mono_ms());
	destination_look_around(dest, item);
}

/* false: somebody may wait for it, and has not been told. */
static bool
write_marker(
    struct destination *dest, struct result *result, enum queue_state state)
{
	char path[PATH_SIZE];
	struct err err;

	path_item(path, dest->name, state, result->item);
	if (result->association[0] == '\0' &&
	    !item_peek_association(
		&dest->sender->spool, path, result->association))
		return true;
	if (result_write_marker(dest->sender->spool.root_fd, result, &err) ==
	    -1) {
		LOG(LOG_LEVEL_ERROR, "marker-not-written",
		    LOG_STR("destination", dest->name),
		    LOG_STR("item", result->item), LOG_STR("reason", err.text));
		return false;
	}
	return true;
}

static void
log_result(const struct destination *dest, const struct result *result)
{
	enum log_level level =
	    result->state == RESULT_FAILED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;

	account_result(dest, result);
	if (result->status == RESULT_NO_STATUS)
		LOG(level, result_state_name(result->state),
		    LOG_STR("destination", dest->name),
		    LOG_STR("item", result->item),
		    LOG_INT("attempts", result->attempts),
		    LOG_STR("reason", result->reason));
	else
		LOG(level, result_state_name(result->state),
		    LOG_STR("destination", dest->name),
		    LOG_STR("item", result->item),
		    LOG_HEX("status", result->status),
		    LOG_INT("attempts", result->attempts));
}

/* The next of its UID that may hold the same, after the one before. */
static struct index_item *
next_other(struct lane_handle *lane)
{
	struct settlement *s = &lane->settlement;
	bool is_final = s->result.state != RESULT_DEFERRED;
	struct item_name after = s->other;
	struct index_item *other;

	(void)strcpy(after.uid, lane->item->uid);
	while ((other = index_after(&lane->dest->index, &after)) != NULL) {
		index_name(other, &after);
		if (other == lane->item)
			continue;
		if (index_is_unsure(&lane->dest->index, other))
			return NULL; /* is there another one before it? */
		if (is_final || (other->state != QUEUE_FAILED && other->waited))
			return other;
	}
	return NULL;
}

static void
settle_same(struct lane_handle *lane, struct index_item *other,
    const struct lane_report *report)
{
	struct destination *dest = lane->dest;
	char file[NAME_ITEM_SIZE];

	if (other->state != QUEUE_FAILED) {
		settle_queued(lane, other, report);
		return;
	}
	index_file(other, file);
	account_gone(dest, "superseded", file);
	LOG(LOG_LEVEL_INFO, "superseded", LOG_STR("destination", dest->name),
	    LOG_STR("item", file), LOG_STR("by", lane->settlement.result.item));
	(void)moves_remove(dest, QUEUE_FAILED, file);
	(void)moves_remove_record(dest, file);
	destination_forget(dest, other);
}

static void
settle_queued(struct lane_handle *lane, struct index_item *other,
    const struct lane_report *report)
{
	struct destination *dest = lane->dest;
	struct result result = lane->settlement.result;
	bool told;

	index_file(other, result.item);
	result.message_id = other->message_id;
	(void)strcpy(result.association, report->association);
	if (lane->settlement.result.state == RESULT_FAILED) {
		supersede_failed(lane, other, &result);
		return;
	}
	told = write_marker(dest, &result, (enum queue_state)other->state);
	other->waited = false;
	account_result(dest, &result);
	index_reorder(&dest->index, other, clock_mono_ms());
	LOG(LOG_LEVEL_INFO, "joined", LOG_STR("destination", dest->name),
	    LOG_STR("item", result.item),
	    LOG_STR("with", lane->settlement.result.item),
	    LOG_STR("state", result_state_name(result.state)));
	if (result.state != RESULT_DELIVERED)
		return; /* it stays, behind the one that was tried */
	delivered_remove(dest, other, !told);
	if (!told)
		(void)write_marker(dest, &result, QUEUE_NEW);
}

/* Of equals that failed the newest is kept. */
static void
supersede_failed(
    struct lane_handle *lane, struct index_item *other, struct result *result)
{
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;
	char file[NAME_ITEM_SIZE];

	other->attempts = item->attempts;
	other->in_flight = true; /* in the place of the one that goes */
	other = together_put(dest, other, result, 0);
	index_file(item, file);
	account_gone(dest, "superseded", file);
	LOG(LOG_LEVEL_INFO, "superseded", LOG_STR("destination", dest->name),
	    LOG_STR("item", file), LOG_STR("by", result->item));
	(void)moves_remove(dest, (enum queue_state)item->state, file);
	(void)moves_remove_record(dest, file);
	destination_forget(dest, item);
	lane->item = other;
	lane->settlement.result = *result;
	if (other == NULL)
		dest->in_flight--;
}

static void
forget(struct destination *dest, struct index_item *item)
{
	if (item->in_flight)
		dest->in_flight--;
	destination_forget(dest, item);
}
