/*
 * Delivered items: removed, or moved to sent/.
 *
 * Errors: logged; the item is tried again after RetryMin, as long as this
 * sender lives. A later one sends it once more.
 */
#include <fcntl.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "delivered.h"
#include "moves.h"

static void keep(
    struct destination *dest, struct index_item *item, const char *file);
static void forget(struct destination *dest, struct index_item *item);
static void postpone(struct destination *dest, struct index_item *item);

/* S4 -> S0, S4 -> S7: dcmspool-spool(5) */
void
delivered_end(struct destination *dest, struct index_item *item,
    const struct result *result, bool need_space)
{
	char file[NAME_ITEM_SIZE];
	struct err err;

	if (destination_settings(dest)->keep_sent_s == 0) {
		delivered_remove(dest, item, need_space);
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
delivered_remove(
    struct destination *dest, struct index_item *item, bool need_space)
{
	enum queue_state state = (enum queue_state)item->state;
	char file[NAME_ITEM_SIZE], path[PATH_SIZE];
	int fd = -1;

	index_file(item, file);
	path_item(path, dest->name, state, file);
	if (need_space)
		fd = fs_open(dest->sender->spool.root_fd, path,
		    O_WRONLY | O_NOFOLLOW, NULL);
	if (moves_remove(dest, state, file) == -1) {
		postpone(dest, item);
	} else {
		if (fd != -1)
			(void)fs_give_back(fd, path, NULL);
		if (item->has_record || !item->record_read)
			(void)moves_remove_record(dest, file);
		forget(dest, item);
	}
	(void)fs_close(&fd, path, NULL);
}

void
delivered_again(struct destination *dest, struct index_item *item)
{
	char file[NAME_ITEM_SIZE];

	index_file(item, file);
	if (destination_settings(dest)->keep_sent_s == 0)
		delivered_remove(dest, item, false);
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
	destination_forget(dest, item);
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
