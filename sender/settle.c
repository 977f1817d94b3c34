/*
 * Outcomes. The order on disk is always: marker (who waits is told), record,
 * then the move or the removal; a crash in between sends an item again, and
 * never loses one.
 *
 * Errors: what cannot be written or moved is logged; the item then stays
 * where it is, and is tried again.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/item.h"
#include "delivered.h"
#include "down.h"
#include "moves.h"
#include "outcome.h"
#include "settle.h"
#include "together.h"

#define AGAIN_MS	       2000
#define DEATHS_MAX	       2      /* of lanes on one item: failed */
#define BUSY_AFTER	       5      /* transient answers in a row */
#define STATUS_CLASS_NOT_TAKEN 0x0122 /* PS3.7 C.5.6 */

static bool read_record(
    struct destination *dest, struct index_item *item, const char *file);
static bool is_newer(const struct destination *dest,
    const struct index_item *item, const char *file, int64_t than_us);
static void delivery_report(
    struct lane_handle *lane, const struct lane_report *report);
static void answered(
    struct lane_handle *lane, const struct lane_report *report);
static void refused(
    struct lane_handle *lane, const struct lane_report *report, int status);
static void transient(struct lane_handle *lane, struct result *result);
static int64_t busy_delay_ms(struct destination *dest);
static void not_busy(struct destination *dest);
static void corrupt(struct lane_handle *lane, const struct lane_report *report);
static void drop(struct lane_handle *lane);
static void give_back(struct lane_handle *lane, int64_t due_ms);
static bool was_delivered(struct lane_handle *lane);

/* S2 -> S3, S5 -> S3: dcmspool-spool(5) */
bool
settle_take(struct destination *dest, struct index_item *item,
    char file[NAME_ITEM_SIZE])
{
	char wanted[NAME_ITEM_SIZE];
	int64_t again_ms;
	struct err err;
	int rc = 1;

	if (item->delivered) {
		delivered_again(dest, item);
		return false;
	}
	index_file(item, file);
	(void)strcpy(wanted, file);
	if (!item->record_read && !read_record(dest, item, file))
		return false;
	/* Without room for it what is queued goes on, and makes room. */
	if (item->record_due && together_write_record(dest, item) == -1 &&
	    item->deaths > 0)
		goto later;
	if (item->state != QUEUE_ACTIVE)
		rc = moves_item(dest, (enum queue_state)item->state,
		    QUEUE_ACTIVE, file, &err);
	if (rc == 0) { /* an operator took it away */
		destination_lost(dest, item);
		return false;
	}
	if (rc == -1) {
		LOG(LOG_LEVEL_ERROR, "item-not-taken",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("reason", err.text));
		goto later;
	}
	if (strcmp(file, wanted) != 0) { /* its name was taken in active/ */
		destination_forget(dest, item);
		if (moves_item(dest, QUEUE_ACTIVE, QUEUE_NEW, file, &err) == 1)
			destination_look(dest, QUEUE_NEW, file);
		return false;
	}
	index_set_state(&dest->index, item, QUEUE_ACTIVE);
	item->in_flight = true;
	item->due_ms = 0;
	index_reorder(&dest->index, item, clock_mono_ms());
	dest->in_flight++;
	if (item->first_us == 0)
		item->first_us = clock_real_us();
	return true;
later:
	again_ms = clock_mono_ms() +
		   (int64_t)destination_settings(dest)->retry_min_s * 1000;
	index_set_due(&dest->index, item, again_ms, clock_mono_ms());
	return false;
}

void
settle_report(struct lane_handle *lane, const struct lane_report *report)
{
	if (lane->settlement.active)
		together_report(lane, report);
	else
		delivery_report(lane, report);
}

void
settle_lane_died(struct lane_handle *lane, const char *how)
{
	struct index_item *item = lane->item;
	struct result result;

	if (item == NULL)
		return;
	if (lane->settlement.active) {
		together_end(lane);
		return;
	}
	if (was_delivered(lane))
		return;
	item->deaths++;
	item->last_ms = clock_mono_ms();
	if (atomic_load(&lane->shared->sent_whole))
		item->answer_lost = true;
	if (item->deaths < DEATHS_MAX) {
		give_back(lane, 0);
		return;
	}
	together_result(lane->dest, item, RESULT_FAILED, &result);
	(void)snprintf(result.reason, sizeof(result.reason),
	    "the process that sent it died on it, %d times (%s)", DEATHS_MAX,
	    how);
	together_begin(lane, &result, 0, false);
	together_end(lane);
}

void
settle_lane_killed(struct lane_handle *lane)
{
	if (lane->item == NULL)
		return;
	if (lane->settlement.active) {
		together_end(lane);
		return;
	}
	if (was_delivered(lane))
		return;
	if (atomic_load(&lane->shared->sent_whole))
		lane->item->answer_lost = true;
	give_back(lane, 0);
}

void
settle_defer(struct destination *dest, struct index_item *item,
    struct result *result, int64_t delay_ms)
{
	const struct conf_destination *conf = destination_settings(dest);

	result->attempts = item->attempts;
	result->state = RESULT_DEFERRED;
	result->next_us = clock_real_us() + delay_ms * 1000;
	if (item->attempts < conf->max_attempts)
		return;
	result->state = RESULT_FAILED;
	result->next_us = 0;
	if (result->reason[0] == '\0')
		(void)snprintf(result->reason, sizeof(result->reason),
		    "given up after %u attempts", item->attempts);
}

/* What an earlier sender knew of it. false: it is not due yet. */
static bool
read_record(struct destination *dest, struct index_item *item, const char *file)
{
	const struct conf_destination *conf = destination_settings(dest);
	int64_t now_ms = clock_mono_ms(), left_us;
	struct result result;
	struct err err;
	int there;

	there = result_read_record(
	    dest->sender->spool.root_fd, dest->name, file, &result, &err);
	item->record_read = true;
	item->has_record = there != 0; /* a broken one has to go, too */
	if (there == -1)
		LOG(LOG_LEVEL_WARNING, "record-broken",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("reason", err.text));
	if (there != 1)
		return true;
	item->answer_lost =
	    result.answer_lost && !is_newer(dest, item, file, result.last_us);
	item->first_us = result.first_us;
	/* From failed/ to new/ by hand: a replay, with all its attempts. */
	if (result.state == RESULT_FAILED)
		return true;
	item->attempts = (uint16_t)result.attempts;
	item->breaks = (uint8_t)result.breaks;
	item->deaths = (uint8_t)result.deaths;
	left_us = result.next_us - clock_real_us();
	if (item->state != QUEUE_DEFERRED || result.next_us == 0 ||
	    left_us <= 0 || left_us > (int64_t)conf->retry_max_s * 1000000)
		return true;
	item->last_ms = now_ms;
	index_set_due(&dest->index, item, now_ms + left_us / 1000, now_ms);
	return false;
}

/* Whether its bytes are newer than that: somebody has put others in their
 * place, of which no earlier attempt has proved anything. */
static bool
is_newer(const struct destination *dest, const struct index_item *item,
    const char *file, int64_t than_us)
{
	char path[PATH_SIZE];
	struct stat st;

	path_item(path, dest->name, (enum queue_state)item->state, file);
	return fs_stat(dest->sender->spool.root_fd, path, &st, NULL) == 1 &&
	       (int64_t)st.st_mtim.tv_sec * 1000000 +
		       st.st_mtim.tv_nsec / 1000 >
		   than_us;
}

static void
delivery_report(struct lane_handle *lane, const struct lane_report *report)
{
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;
	struct result result;

	item->last_ms = clock_mono_ms();
	if (report->answer_lost)
		item->answer_lost = true;
	switch (report->outcome) {
	case LANE_ANSWERED:
		answered(lane, report);
		break;
	case LANE_CONTEXT_REFUSED:
		down_end(dest);
		refused(lane, report, STATUS_CLASS_NOT_TAKEN);
		break;
	case LANE_UNADDRESSED:
		refused(lane, report, RESULT_NO_STATUS);
		break;
	case LANE_LINK_FAILED:
	case LANE_LINK_REFUSED:
		give_back(lane, 0);
		down_begin(dest, report->reason,
		    report->outcome == LANE_LINK_REFUSED, false);
		break;
	case LANE_BROKEN:
		item->suspect = true;
		give_back(lane, 0);
		down_begin(dest, report->reason, false, true);
		break;
	case LANE_CORRUPT:
		corrupt(lane, report);
		break;
	case LANE_GONE:
		drop(lane);
		break;
	case LANE_STALE:
		give_back(lane, 0);
		break;
	case LANE_UNFINISHED:
		give_back(lane, clock_mono_ms() + AGAIN_MS);
		break;
	case LANE_LOCAL_ERROR:
	case LANE_OK:
	case LANE_DIFFERENT:
		together_result(dest, item, RESULT_DEFERRED, &result);
		together_take_report(&result, report);
		result.status = RESULT_NO_STATUS;
		transient(lane, &result);
		break;
	}
}

static void
answered(struct lane_handle *lane, const struct lane_report *report)
{
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;
	struct result result;

	down_end(dest);
	item->breaks = 0;
	together_result(dest, item, RESULT_DELIVERED, &result);
	together_take_report(&result, report);
	switch (outcome_of_status(
	    destination_settings(dest), report->status, item->answer_lost)) {
	case OUTCOME_DELIVERED:
		not_busy(dest);
		break;
	case OUTCOME_TRANSIENT:
		result.state = RESULT_DEFERRED;
		dest->transient_run++;
		transient(lane, &result);
		return;
	case OUTCOME_PERMANENT:
	case OUTCOME_NOT_FINAL:
		not_busy(dest);
		result.state = RESULT_FAILED;
		item->attempts++;
		result.attempts = item->attempts;
		break;
	}
	together_begin(lane, &result, 0, report->marked);
	together_compare(lane);
}

static void
refused(struct lane_handle *lane, const struct lane_report *report, int status)
{
	struct result result;

	lane->item->attempts++;
	together_result(lane->dest, lane->item, RESULT_FAILED, &result);
	together_take_report(&result, report);
	result.status = status;
	together_begin(lane, &result, 0, false);
	together_compare(lane);
}

/* Not now: deferred, or given up after MaxAttempts. */
static void
transient(struct lane_handle *lane, struct result *result)
{
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;
	const struct conf_destination *conf = destination_settings(dest);
	int64_t delay_ms;

	if (dest->busy || dest->transient_run >= BUSY_AFTER) {
		delay_ms = busy_delay_ms(dest);
		item->busy_deferred = true;
	} else {
		item->attempts++;
		delay_ms = outcome_backoff_ms(conf, item->attempts - 1U);
	}
	settle_defer(dest, item, result, delay_ms);
	together_begin(lane, result, clock_mono_ms() + delay_ms, false);
	together_compare(lane);
}

/* One item at a time probes a busy destination, with a backoff of its own. */
static int64_t
busy_delay_ms(struct destination *dest)
{
	int64_t delay_ms;

	if (!dest->busy)
		LOG(LOG_LEVEL_INFO, "destination-busy",
		    LOG_STR("destination", dest->name),
		    LOG_INT("answers", dest->transient_run));
	dest->busy = true;
	delay_ms =
	    outcome_backoff_ms(destination_settings(dest), dest->busy_step);
	/* Those that were under way with it are no probes. */
	if (dest->in_flight == 1 && dest->busy_step < 32)
		dest->busy_step++;
	dest->busy_until_ms = clock_mono_ms() + delay_ms;
	return delay_ms;
}

static void
not_busy(struct destination *dest)
{
	dest->transient_run = 0;
	dest->busy_step = 0;
	if (!dest->busy)
		return;
	dest->busy = false;
	LOG(LOG_LEVEL_INFO, "destination-ready",
	    LOG_STR("destination", dest->name));
	index_wake_busy(&dest->index, clock_mono_ms());
}

static void
corrupt(struct lane_handle *lane, const struct lane_report *report)
{
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;
	struct result result;

	together_result(dest, item, RESULT_FAILED, &result);
	together_take_report(&result, report);
	result.status = RESULT_NO_STATUS;
	together_corrupt(dest, item, &result);
	lane->item = NULL;
}

static void
drop(struct lane_handle *lane)
{
	struct destination *dest = lane->dest;
	char file[NAME_ITEM_SIZE];

	index_file(lane->item, file);
	LOG(LOG_LEVEL_INFO, "item-gone", LOG_STR("destination", dest->name),
	    LOG_STR("item", file));
	if (lane->item->has_record)
		(void)moves_remove_record(dest, file);
	dest->in_flight--;
	destination_lost(dest, lane->item);
	lane->item = NULL;
}

/* S3 -> S2: back to new/, to be tried at due_ms (0: at once). */
static void
give_back(struct lane_handle *lane, int64_t due_ms)
{
	struct destination *dest = lane->dest;
	struct index_item *item = lane->item;

	lane->item = NULL;
	if (item->answer_lost || item->breaks > 0 || item->deaths > 0)
		item->record_due = together_write_record(dest, item) == -1;
	item->in_flight = false;
	dest->in_flight--;
	item = together_move(dest, item, QUEUE_NEW);
	if (item == NULL)
		return;
	index_set_due(&dest->index, item, due_ms, clock_mono_ms());
	destination_look_around(dest, item);
}

/* The lane died when the destination's answer was here: perhaps who waits has
 * been told. The rest is done as if it had reported. */
static bool
was_delivered(struct lane_handle *lane)
{
	int status = atomic_load(&lane->shared->delivered);
	struct result result;

	/* LANE_NOT_DELIVERED, or what a lane never writes. */
	if (status < 0 || status > UINT16_MAX)
		return false;
	together_result(lane->dest, lane->item, RESULT_DELIVERED, &result);
	result.status = status;
	together_begin(lane, &result, 0, false);
	together_end(lane);
	return true;
}
