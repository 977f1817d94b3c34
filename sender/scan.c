/*
 * The scan of one destination's folders.
 *
 * Errors: what cannot be watched, read or recovered is logged, and made up
 * for by the next scan.
 */
#include <string.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/label.h"
#include "../spool/renew.h"
#include "../spool/stamp.h"
#include "destination.h"
#include "expire.h"
#include "lanes.h"
#include "moves.h"

#define PAUSE_MS	   60000
#define PAUSE_UNWATCHED_MS 5000

struct look {
	struct destination *dest;
	enum queue_state state;
};

static const enum queue_state watched_state[] = {
    [DESTINATION_WATCH_NEW] = QUEUE_NEW,
    [DESTINATION_WATCH_DEFERRED] = QUEUE_DEFERRED,
    [DESTINATION_WATCH_FAILED] = QUEUE_FAILED,
};

static void watch_all(struct destination *dest);
static bool watch_folder(
    struct destination *dest, const char *path, enum destination_watch which);
static bool read_folder(struct destination *dest, enum queue_state state,
    void (*visit)(void *context, const char *file), int64_t until_us);
static void find_name(void *context, const char *file);
static void recover_item(void *context, const char *file);
static void raise_stamp(void *context, const char *file);
static void know_names(struct destination *dest);
static bool release(struct destination *dest, int64_t until_us);
static bool sweep(struct destination *dest, int64_t until_us);
static void renew(struct destination *dest);
static void sweep_item(struct destination *dest, struct index_item *item);

void
scan_after_loss(struct destination *dest)
{
	dest->scan.lost = dest->scan.lost_again = true;
	chores_want(dest, CHORE_SCAN);
}

void
scan_begin(struct destination *dest)
{
	struct spool *spool = &dest->sender->spool;
	char path[PATH_SIZE];
	struct err err;

	dest->scan.generation++;
	dest->scan.lost_again = false;
	if (spool_make_destination(spool, dest->name, &err) == -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-made",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	path_destination(path, dest->name);
	if (!dest->scan.known &&
	    fs_remove_temporaries(spool->root_fd, path, &err) == -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-read",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	watch_all(dest);
	destination_look_self(dest, "paused");
	destination_look_self(dest, "down");
}

void
scan_hear(struct destination *dest, enum destination_watch which,
    enum watch_what what, const char *file)
{
	if (what == WATCH_GONE) {
		dest->wd[which] = -1;
		scan_after_loss(dest);
		/* They have no right to what comes in its place. */
		if (which == DESTINATION_WATCH_SELF)
			lanes_retire(dest);
	} else if (which == DESTINATION_WATCH_SELF) {
		destination_look_self(dest, file);
	} else {
		destination_look(dest, watched_state[which], file);
	}
}

bool
scan_step(struct destination *dest, unsigned step, int64_t until_us)
{
	char path[PATH_SIZE];

	switch ((enum scan_step)step) {
	case SCAN_NEW:
		return read_folder(dest, QUEUE_NEW, find_name, until_us);
	case SCAN_DEFERRED:
		return read_folder(dest, QUEUE_DEFERRED, find_name, until_us);
	case SCAN_FAILED:
		return read_folder(dest, QUEUE_FAILED, find_name, until_us);
	case SCAN_ACTIVE:
		return read_folder(dest, QUEUE_ACTIVE, recover_item, until_us);
	case SCAN_KNOWN:
		know_names(dest);
		return true;
	case SCAN_RELEASE:
		return release(dest, until_us);
	case SCAN_SWEEP:
		return sweep(dest, until_us);
	case SCAN_RECORDS:
		path_records(path, dest->name);
		return chores_read(
		    dest, CHORE_SCAN, path, expire_record, dest, until_us);
	case SCAN_HOLD:
		return dest->scan.stamped ||
		       read_folder(dest, QUEUE_HOLD, raise_stamp, until_us);
	case SCAN_SENT:
		return dest->scan.stamped ||
		       read_folder(dest, QUEUE_SENT, raise_stamp, until_us);
	case SCAN_CORRUPT:
		return dest->scan.stamped ||
		       read_folder(dest, QUEUE_CORRUPT, raise_stamp, until_us);
	case SCAN_RENEW:
		renew(dest);
		return true;
	case SCAN_STAMPED:
		dest->scan.stamped = true;
		return true;
	case SCAN_STEPS:
		break;
	}
	return true;
}

int64_t
scan_pause_ms(const struct destination *dest)
{
	return dest->scan.unwatched ? PAUSE_UNWATCHED_MS : PAUSE_MS;
}

static void
watch_all(struct destination *dest)
{
	char path[PATH_SIZE];
	bool all;
	int i;

	path_destination(path, dest->name);
	all = watch_folder(dest, path, DESTINATION_WATCH_SELF);
	for (i = 0; i < DESTINATION_WATCH_SELF; i++) {
		path_state(path, dest->name, watched_state[i]);
		if (!watch_folder(dest, path, (enum destination_watch)i))
			all = false;
	}
	dest->scan.unwatched = !all;
}

static bool
watch_folder(
    struct destination *dest, const char *path, enum destination_watch which)
{
	struct sender *sender = dest->sender;
	struct err err;
	int wd;

	if (sender->watch_fd == -1)
		return false; /* the sender has said so */
	wd = watch_add(sender->watch_fd, sender->spool.root_fd, path,
	    which == DESTINATION_WATCH_SELF ? WATCH_BOTH : WATCH_NEW_NAMES,
	    &err);
	/* What came before the watch nobody tells. */
	if (wd != dest->wd[which])
		dest->scan.lost = true;
	dest->wd[which] = wd;
	if (wd == -1 && !dest->scan.unwatched)
		LOG(LOG_LEVEL_WARNING, "not-watched",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	if (wd == -1)
		dest->scan.unwatched = true;
	return wd != -1;
}

static bool
read_folder(struct destination *dest, enum queue_state state,
    void (*visit)(void *context, const char *file), int64_t until_us)
{
	struct look look = {.dest = dest, .state = state};
	char path[PATH_SIZE];

	path_state(path, dest->name, state);
	return chores_read(dest, CHORE_SCAN, path, visit, &look, until_us);
}

static void
find_name(void *context, const char *file)
{
	const struct look *look = context;

	destination_find(look->dest, look->state, file);
}

/* S3 -> S2: what is in active/ and no lane has, of an earlier sender or by
 * hand. */
static void
recover_item(void *context, const char *file)
{
	struct destination *dest = ((const struct look *)context)->dest;
	const struct index_item *item = index_find_file(&dest->index, file);
	char now[NAME_FILE_SIZE], label[LABEL_SIZE];
	struct err err;

	if (!name_is_item(file) || (item != NULL && item->in_flight))
		return;
	raise_stamp(context, file);
	label_item(
	    dest->sender->spool.root_fd, dest->name, QUEUE_ACTIVE, file, label);
	(void)strcpy(now, file);
	if (moves_item(dest, QUEUE_ACTIVE, QUEUE_NEW, now, &err) == -1) {
		label_text(err.text, sizeof(err.text), file, label);
		LOG(LOG_LEVEL_ERROR, "item-not-recovered",
		    LOG_STR("destination", dest->name), LOG_STR("item", label),
		    LOG_STR("reason", err.text));
		return;
	}
	LOG(LOG_LEVEL_INFO, "recovered", LOG_STR("destination", dest->name),
	    LOG_STR("item", label));
	destination_find(dest, QUEUE_NEW, now); /* new/ was read before */
}

static void
raise_stamp(void *context, const char *file)
{
	const struct look *look = context;
	struct item_name name;

	if (name_parse(file, &name))
		stamp_raise(look->dest->sender->stamps, name.stamp_us);
}

static void
know_names(struct destination *dest)
{
	struct scan *scan = &dest->scan;

	index_walk_begin(&scan->walk);
	scan->reorder = dest->index.unordered;
	dest->index.unordered = false;
	if (scan->lost_again)
		return;
	scan->lost = false;
	dest->index.sure++;
	if (scan->known)
		return;
	scan->known = true;
	dest->sender->next_account_ms = 0;
	destination_configure(dest);
}

/* What had to wait for that. */
static bool
release(struct destination *dest, int64_t until_us)
{
	while (index_release(&dest->index, clock_mono_ms()))
		if (clock_mono_us() >= until_us)
			return false;
	return true;
}

/* Forgets what the scan has not seen and is not there. */
static bool
sweep(struct destination *dest, int64_t until_us)
{
	struct index_item *item;

	while ((item = index_walk(&dest->index, &dest->scan.walk)) != NULL) {
		sweep_item(dest, item);
		if (clock_mono_us() >= until_us)
			return false;
	}
	return true;
}

static void
sweep_item(struct destination *dest, struct index_item *item)
{
	char path[PATH_SIZE], file[NAME_ITEM_SIZE];
	struct stat st;

	if (dest->scan.reorder)
		index_reorder(&dest->index, item, clock_mono_ms());
	if (item->generation == dest->scan.generation || item->in_flight)
		return;
	index_file(item, file);
	path_item(path, dest->name, (enum queue_state)item->state, file);
	if (fs_stat(dest->sender->spool.root_fd, path, &st, NULL) == 0)
		destination_lost(dest, item);
}

/* The folders that the sender fills; new/ is the receiver's. */
static void
renew(struct destination *dest)
{
	static const enum queue_state states[] = {
	    QUEUE_DEFERRED, QUEUE_FAILED, QUEUE_SENT, QUEUE_CORRUPT};
	const size_t n = sizeof(states) / sizeof(states[0]);
	char path[PATH_SIZE];
	struct err err;
	size_t i;
	int rc;

	for (i = 0; i <= n; i++) {
		if (i < n)
			path_state(path, dest->name, states[i]);
		else
			path_records(path, dest->name);
		rc = renew_folder(&dest->sender->spool, dest->name, path, &err);
		if (rc == 1)
			LOG(LOG_LEVEL_INFO, "folder-renewed",
			    LOG_STR("folder", path));
		else if (rc == -1)
			LOG(LOG_LEVEL_ERROR, "folder-not-renewed",
			    LOG_STR("folder", path),
			    LOG_STR("reason", err.text));
	}
}
