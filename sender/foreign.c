/*
 * Foreign files: from a name of somebody's to a name of ours.
 *
 * Errors: what is not a whole instance goes to corrupt/ with a record that
 * says why; what cannot be moved is logged and looked at again.
 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/label.h"
#include "../spool/stamp.h"
#include "account.h"
#include "foreign.h"
#include "lanes.h"
#include "moves.h"

#define AGAIN_MS   2000 /* a file that is still written, or was in the way */
#define DEATHS_MAX 2

static int compare(const void *a, const void *b);
static struct foreign_file *find(
    struct destination *dest, enum queue_state state, const char *file);
static void forget(struct destination *dest, struct foreign_file *foreign);
static void give_name(
    struct destination *dest, struct foreign_file *foreign, const char *uid);
static void put_aside(
    struct destination *dest, struct foreign_file *foreign, const char *reason);
static int move_aside(struct destination *dest, struct foreign_file *foreign,
    char file[NAME_FILE_SIZE], struct err *err);
static void again(struct foreign_file *foreign);

void
foreign_init(struct destination *dest)
{
	TAILQ_INIT(&dest->foreign.list);
	dest->foreign.tree = NULL;
}

void
foreign_look(struct destination *dest, enum queue_state state, const char *file)
{
	struct foreign_file *foreign;
	char path[PATH_SIZE];
	struct stat st;

	foreign = find(dest, state, file);
	if (foreign != NULL) {
		foreign->due_ms = 0; /* its writer may have closed it */
		foreign->changed = true;
		return;
	}
	path_item(path, dest->name, state, file);
	if (fs_stat(dest->sender->spool.root_fd, path, &st, NULL) != 1 ||
	    !S_ISREG(st.st_mode))
		return;
	foreign = calloc(1, sizeof(*foreign));
	if (foreign == NULL)
		return; /* the next scan finds it */
	foreign->state = state;
	(void)snprintf(foreign->file, sizeof(foreign->file), "%s", file);
	if (tsearch(foreign, &dest->foreign.tree, compare) == NULL) {
		free(foreign);
		return;
	}
	TAILQ_INSERT_TAIL(&dest->foreign.list, foreign, next);
}

bool
foreign_inspect(struct destination *dest)
{
	struct lane_job job = {.kind = LANE_INSPECT};
	struct foreign_file *foreign;
	struct lane_handle *lane;

	/* Its stamp lies beyond all that are there. */
	if (!dest->scan.stamped)
		return false;
	TAILQ_FOREACH (foreign, &dest->foreign.list, next)
		if (!foreign->inspected && foreign->due_ms <= clock_mono_ms())
			break;
	if (foreign == NULL)
		return false;
	lane = lanes_get(dest);
	if (lane == NULL)
		return false;
	foreign->inspected = true;
	foreign->changed = false;
	job.state = foreign->state;
	(void)memcpy(job.file, foreign->file, sizeof(job.file));
	lanes_give(lane, &job);
	return true;
}

void
foreign_report(struct lane_handle *lane, const struct lane_report *report)
{
	struct destination *dest = lane->dest;
	struct foreign_file *foreign;

	foreign = find(dest, lane->job.state, lane->job.file);
	if (foreign == NULL)
		return;
	foreign->inspected = false;
	switch (report->outcome) {
	case LANE_OK:
		give_name(dest, foreign, report->sop_instance);
		break;
	case LANE_CORRUPT:
		put_aside(dest, foreign, report->reason);
		break;
	case LANE_GONE:
		forget(dest, foreign);
		break;
	case LANE_UNFINISHED:
	case LANE_STALE:
	case LANE_LOCAL_ERROR:
	case LANE_DIFFERENT:
	case LANE_ANSWERED:
	case LANE_CONTEXT_REFUSED:
	case LANE_UNADDRESSED:
	case LANE_LINK_FAILED:
	case LANE_LINK_REFUSED:
	case LANE_BROKEN:
		again(foreign);
		break;
	}
}

void
foreign_lane_died(struct lane_handle *lane)
{
	struct foreign_file *foreign;

	foreign = find(lane->dest, lane->job.state, lane->job.file);
	if (foreign == NULL)
		return;
	foreign->inspected = false;
	if (++foreign->deaths >= DEATHS_MAX)
		put_aside(lane->dest, foreign,
		    "the process that looked at it died, twice");
}

int64_t
foreign_due_ms(const struct destination *dest)
{
	const struct foreign_file *foreign;
	int64_t due_ms = -1;

	if (!dest->scan.stamped)
		return -1;
	TAILQ_FOREACH (foreign, &dest->foreign.list, next) {
		if (!foreign->inspected &&
		    (due_ms == -1 || foreign->due_ms < due_ms))
			due_ms = foreign->due_ms;
		if (due_ms == 0)
			break; /* at once: most are, where there are many */
	}
	return due_ms;
}

void
foreign_clear(struct destination *dest)
{
	struct foreign_file *foreign;

	while ((foreign = TAILQ_FIRST(&dest->foreign.list)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it is unlinked */
		forget(dest, foreign);
}

static int
compare(const void *a, const void *b)
{
	const struct foreign_file *left = a, *right = b;

	if (left->state != right->state)
		return left->state < right->state ? -1 : 1;
	return strcmp(left->file, right->file);
}

static struct foreign_file *
find(struct destination *dest, enum queue_state state, const char *file)
{
	struct foreign_file key = {.state = state};
	void *found;

	(void)snprintf(key.file, sizeof(key.file), "%s", file);
	found = tfind(&key, &dest->foreign.tree, compare);
	return found == NULL ? NULL : *(struct foreign_file **)found;
}

static void
forget(struct destination *dest, struct foreign_file *foreign)
{
	(void)tdelete(foreign, &dest->foreign.tree, compare);
	TAILQ_REMOVE(&dest->foreign.list, foreign, next);
	free(foreign);
}

static void
give_name(
    struct destination *dest, struct foreign_file *foreign, const char *uid)
{
	char from[PATH_SIZE], to[PATH_SIZE], file[NAME_ITEM_SIZE];
	char label[LABEL_SIZE];
	int root_fd = dest->sender->spool.root_fd;
	struct item_name name = {.message_id = 0};
	struct err err;
	int rc;

	if (!name_uid_valid(uid)) {
		put_aside(dest, foreign, "no valid SOP Instance UID");
		return;
	}
	(void)strcpy(name.uid, uid);
	name.stamp_us = stamp_next(dest->sender->stamps);
	name_format(&name, file);
	path_item(from, dest->name, foreign->state, foreign->file);
	path_item(to, dest->name, QUEUE_NEW, file);
	label_path(root_fd, from, foreign->file, label);
	rc = fs_rename(root_fd, from, to, &err);
	if (rc == -1) {
		label_text(err.text, sizeof(err.text), foreign->file, label);
		LOG(LOG_LEVEL_ERROR, "foreign-not-taken",
		    LOG_STR("destination", dest->name), LOG_STR("file", label),
		    LOG_STR("reason", err.text));
		again(foreign);
		return;
	}
	if (rc == 1) {
		LOG(LOG_LEVEL_INFO, "foreign-taken",
		    LOG_STR("destination", dest->name), LOG_STR("file", label),
		    LOG_STR("item", file));
		destination_look(dest, QUEUE_NEW, file);
	}
	forget(dest, foreign);
}

static void
put_aside(
    struct destination *dest, struct foreign_file *foreign, const char *reason)
{
	struct result result = {.state = RESULT_FAILED,
	    .status = RESULT_NO_STATUS,
	    .last_us = clock_real_us()};
	int root_fd = dest->sender->spool.root_fd;
	struct err err = {.class = ERR_NONE};
	char label[LABEL_SIZE];

	label_item(root_fd, dest->name, foreign->state, foreign->file, label);
	if (move_aside(dest, foreign, result.item, &err) == -1) {
		label_text(err.text, sizeof(err.text), foreign->file, label);
		LOG(LOG_LEVEL_ERROR, "corrupt-not-moved",
		    LOG_STR("destination", dest->name), LOG_STR("file", label),
		    LOG_STR("reason", err.text));
		again(foreign);
		return;
	}
	(void)strcpy(result.destination, dest->name);
	(void)snprintf(result.reason, sizeof(result.reason), "%s", reason);
	if (result_write_record(root_fd, &result, &err) == -1) {
		label_text(err.text, sizeof(err.text), result.item, label);
		LOG(LOG_LEVEL_ERROR, "record-not-written",
		    LOG_STR("destination", dest->name), LOG_STR("item", label),
		    LOG_STR("reason", err.text));
	}
	(void)strcpy(result.item, label);
	account_corrupt(dest, &result);
	LOG(LOG_LEVEL_WARNING, "corrupt", LOG_STR("destination", dest->name),
	    LOG_STR("item", label), LOG_STR("reason", reason));
	forget(dest, foreign);
}

/* Under its own name; with a stamp before it where that is taken, which may
 * cost a long one its end: an item's it still has to be. */
static int
move_aside(struct destination *dest, struct foreign_file *foreign,
    char file[NAME_FILE_SIZE], struct err *err)
{
	char from[PATH_SIZE], to[PATH_SIZE], stamp[CLOCK_STAMP_SIZE];
	int root_fd = dest->sender->spool.root_fd, rc;
	size_t keep;

	(void)strcpy(file, foreign->file);
	path_item(from, dest->name, foreign->state, foreign->file);
	path_item(to, dest->name, QUEUE_CORRUPT, file);
	rc = fs_rename(root_fd, from, to, err);
	if (rc != -1 || err->sys != EEXIST)
		return rc;
	clock_stamp_format(stamp_next(dest->sender->stamps), stamp);
	keep = strlen(foreign->file) - strlen(".dcm");
	if (keep > NAME_FILE_SIZE - CLOCK_STAMP_SIZE - sizeof(".dcm"))
		keep = NAME_FILE_SIZE - CLOCK_STAMP_SIZE - sizeof(".dcm");
	(void)snprintf(file, NAME_FILE_SIZE, "%s-%.*s.dcm", stamp, (int)keep,
	    foreign->file);
	path_item(to, dest->name, QUEUE_CORRUPT, file);
	return fs_rename(root_fd, from, to, err);
}

static void
again(struct foreign_file *foreign)
{
	foreign->due_ms = foreign->changed ? 0 : clock_mono_ms() + AGAIN_MS;
}
