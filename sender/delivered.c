/*
 * Delivered items: removed, or moved to sent/.
 *
 * Errors: logged; the item is tried again after RetryMin, as long as this
 * sender lives. A later one sends it once more.
 */
#include <string.h>

#include "../spool/clock.h"
#include "delivered.h"
#include "moves.h"

static void keep(
    struct destination *dest, struct index_item *item, const char *file);
static void forget(struct destination *dest, struct index_item *item);
static void postpone(struct destination *dest, struct index_item *item);

void
delivered_end(struct destination *dest, struct index_item *item,
    const struct result *result)
{
	char file[NAME_ITEM_SIZE];
	struct err err;

	if (destination_settings(dest)->keep_sent_s == 0) {
		delivered_remove(dest, item);
		return;
	}
	index_file(item, file);
	if (result_write_record(dest->sender->spool.root_fd, result, &err) ==
	    -1)
		LOG(LOG_LEVEL_ERROR, "record-not-written",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("reason", err.text));
	keep(dest, item, file);
}

void
delivered_remove(struct destination *dest, struct index_item *item)
{
	char file[NAME_ITEM_SIZE];

	index_file(item, file);
	if (moves_remove(dest, (enum queue_state)item->state, file) == -1) {
		postpone(dest, item);
		return;
	}
	if (item->has_record || !item->record_read)
		(void)moves_remove_record(dest, file);
	forget(dest, item);
}

void
delivered_again(struct destination *dest, struct index_item *item)
{
	char file[NAME_ITEM_SIZE];

	index_file(item, file);
	if (destination_settings(dest)->keep_sent_s == 0)
		delivered_remove(dest, item);
	else
		keep(dest, item, file);
}

static void
keep(struct destination *dest, struct index_item *item, const char *file)
{
	char ours[NAME_ITEM_SIZE];
	struct err err;

	(void)strcpy(ours, file);
	if (moves_item(dest, (enum queue_state)item->state, QUEUE_SENT, ours,
		&err) != -1) {
		forget(dest, item);
		return;
	}
	LOG(LOG_LEVEL_ERROR, "item-not-moved",
	    LOG_STR("destination", dest->name), LOG_STR("item", file),
	    LOG_STR("to", "sent"), LOG_STR("reason", err.text));
	postpone(dest, item);
}

static void
forget(struct destination *dest, struct index_item *item)
{
	if (item->in_flight)
		dest->in_flight--;
	index_remove(&dest->index, item, clock_mono_ms());
}

static void
postpone(struct destination *dest, struct index_item *item)
{
	int64_t now_ms = clock_mono_ms();

	if (item->in_flight)
		dest->in_flight--;
	item->in_flight = false;
	item->delivered = true;
	index_set_due(&dest->index, item,
	    now_ms + (int64_t)destination_settings(dest)->retry_min_s * 1000,
	    now_ms);
}
