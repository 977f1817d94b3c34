/*
 * One destination's folders as a whole: recovered at the start, watched, and
 * scanned now and then, since an event is only a hint.
 *
 * Errors: what cannot be watched, read or recovered is logged, and made up
 * for by the next scan.
 */
#include <string.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/watch.h"
#include "destination.h"
#include "expire.h"
#include "moves.h"

struct look {
	struct destination *dest;
	enum queue_state state;
};

static const enum queue_state watched_state[] = {
    [DESTINATION_WATCH_NEW] = QUEUE_NEW,
    [DESTINATION_WATCH_DEFERRED] = QUEUE_DEFERRED,
    [DESTINATION_WATCH_FAILED] = QUEUE_FAILED,
};

static void watch_folder(struct destination *dest, const char *path,
    enum watch_interest interest, int *wd);
static int recover_item(void *context, const char *file);
static void scan_folder(struct destination *dest, enum queue_state state,
    int (*visit)(void *context, const char *file), void *context);
static int scan_name(void *context, const char *file);
static void sweep(struct destination *dest);

int
destination_recover(struct destination *dest, struct err *err)
{
	char path[PATH_SIZE];
	int root_fd = dest->sender->spool.root_fd;

	path_destination(path, dest->name);
	if (fs_remove_temporaries(root_fd, path, err) == -1)
		return -1;
	path_records(path, dest->name);
	if (fs_remove_temporaries(root_fd, path, err) == -1)
		return -1;
	path_state(path, dest->name, QUEUE_ACTIVE);
	return fs_scan(root_fd, path, recover_item, dest, err);
}

void
destination_watch(struct destination *dest)
{
	char path[PATH_SIZE];
	int i;

	path_destination(path, dest->name);
	watch_folder(dest, path, WATCH_BOTH, &dest->wd[DESTINATION_WATCH_SELF]);
	for (i = 0; i < DESTINATION_WATCH_SELF; i++) {
		path_state(path, dest->name, watched_state[i]);
		watch_folder(dest, path, WATCH_NEW_NAMES, &dest->wd[i]);
	}
}

void
destination_scan(struct destination *dest)
{
	struct look look = {.dest = dest};
	struct err err;
	int i;

	if (spool_make_destination(&dest->sender->spool, dest->name, &err) ==
	    -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-made",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	destination_watch(dest);
	destination_look_self(dest, "paused");
	destination_look_self(dest, "down");
	scan_folder(dest, QUEUE_ACTIVE, recover_item, dest);
	for (i = 0; i < DESTINATION_WATCH_SELF; i++) {
		look.state = watched_state[i];
		scan_folder(dest, look.state, scan_name, &look);
	}
	sweep(dest);
	expire_records(dest);
}

static void
watch_folder(struct destination *dest, const char *path,
    enum watch_interest interest, int *wd)
{
	struct sender *sender = dest->sender;
	struct err err;

	if (sender->watch_fd == -1)
		return;
	*wd = watch_add(
	    sender->watch_fd, sender->spool.root_fd, path, interest, &err);
	if (*wd != -1)
		return;
	if (!sender->unwatched)
		LOG(LOG_LEVEL_WARNING, "not-watched",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	sender->unwatched = true;
}

/* S3 -> S2: what is in active/ and no lane has, of an earlier sender or by
 * hand. */
static int
recover_item(void *context, const char *file)
{
	char from[PATH_SIZE], to[PATH_SIZE], ours[NAME_ITEM_SIZE];
	struct destination *dest = context;
	const struct index_item *item = index_find_file(&dest->index, file);
	struct item_name name;
	struct err err;
	int rc;

	if (!name_is_item(file) || (item != NULL && item->in_flight))
		return 0;
	if (name_parse(file, &name)) {
		(void)strcpy(ours, file);
		rc = moves_item(dest, QUEUE_ACTIVE, QUEUE_NEW, ours, &err);
	} else {
		path_item(from, dest->name, QUEUE_ACTIVE, file);
		path_item(to, dest->name, QUEUE_NEW, file);
		rc = fs_rename(dest->sender->spool.root_fd, from, to, &err);
	}
	if (rc == -1)
		LOG(LOG_LEVEL_ERROR, "item-not-recovered",
		    LOG_STR("destination", dest->name), LOG_STR("item", file),
		    LOG_STR("reason", err.text));
	else
		LOG(LOG_LEVEL_INFO, "recovered",
		    LOG_STR("destination", dest->name), LOG_STR("item", file));
	return 0;
}

static void
scan_folder(struct destination *dest, enum queue_state state,
    int (*visit)(void *context, const char *file), void *context)
{
	char path[PATH_SIZE];
	struct err err;

	path_state(path, dest->name, state);
	if (fs_scan(dest->sender->spool.root_fd, path, visit, context, &err) ==
	    -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-read",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
}

static int
scan_name(void *context, const char *file)
{
	const struct look *look = context;

	destination_look(look->dest, look->state, file);
	return 0;
}

/* Forgets what the scan has not seen and is not there. */
static void
sweep(struct destination *dest)
{
	char path[PATH_SIZE], file[NAME_ITEM_SIZE];
	bool unordered = dest->index.unordered;
	struct index_item *item;
	struct index_walk walk;
	struct stat st;

	dest->index.unordered = false;
	index_walk_begin(&walk);
	while ((item = index_walk(&dest->index, &walk)) != NULL) {
		if (unordered)
			index_reorder(&dest->index, item, clock_mono_ms());
		if (item->generation == dest->sender->generation ||
		    item->in_flight)
			continue;
		index_file(item, file);
		path_item(
		    path, dest->name, (enum queue_state)item->state, file);
		if (fs_stat(dest->sender->spool.root_fd, path, &st, NULL) != 0)
			continue;
		index_remove(&dest->index, item, clock_mono_ms());
	}
}
