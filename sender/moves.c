/*
 * Renames between states, never over a file that is there (rename(2) onto a
 * hard link of the same file does nothing and says ok).
 *
 * Errors: as fs.c.
 */
#include <errno.h>
#include <stdio.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/label.h"
#include "moves.h"

#define FRESH_NAMES 16 /* tried */

static bool same_file(
    struct destination *dest, const char *one, const char *two);
static int move_to_fresh_name(struct destination *dest, const char *from_path,
    enum queue_state to, char file[NAME_ITEM_SIZE], struct err *err);

int
moves_item(struct destination *dest, enum queue_state from, enum queue_state to,
    char file[NAME_ITEM_SIZE], struct err *err)
{
	char from_path[PATH_SIZE], to_path[PATH_SIZE];
	int root_fd = dest->sender->spool.root_fd, rc;

	path_item(from_path, dest->name, from, file);
	path_item(to_path, dest->name, to, file);
	rc = fs_rename(root_fd, from_path, to_path, err);
	if (rc == -1 && err->sys == ENOENT &&
	    spool_make_destination(&dest->sender->spool, dest->name, err) == 0)
		rc = fs_rename(root_fd, from_path, to_path, err);
	if (rc != -1 || err->sys != EEXIST)
		return rc;
	if (same_file(dest, from_path, to_path))
		return fs_unlink(root_fd, from_path, err);
	return move_to_fresh_name(dest, from_path, to, file, err);
}

int
moves_remove(struct destination *dest, enum queue_state state, const char *file)
{
	int root_fd = dest->sender->spool.root_fd, rc;
	char path[PATH_SIZE], label[LABEL_SIZE];
	struct err err;

	path_item(path, dest->name, state, file);
	rc = fs_unlink(root_fd, path, &err);
	if (rc == -1) {
		label_path(root_fd, path, file, label);
		label_text(err.text, sizeof(err.text), file, label);
		LOG(LOG_LEVEL_ERROR, "item-not-removed",
		    LOG_STR("destination", dest->name), LOG_STR("item", label),
		    LOG_STR("reason", err.text));
	}
	return rc;
}

int
moves_remove_record(struct destination *dest, const char *file)
{
	int root_fd = dest->sender->spool.root_fd, rc;
	char path[PATH_SIZE], label[LABEL_SIZE];
	struct err err;

	path_record(path, dest->name, file);
	rc = fs_unlink(root_fd, path, &err);
	if (rc == -1) {
		label_path(root_fd, path, file, label);
		label_text(err.text, sizeof(err.text), file, label);
		LOG(LOG_LEVEL_ERROR, "record-not-removed",
		    LOG_STR("destination", dest->name), LOG_STR("item", label),
		    LOG_STR("reason", err.text));
	}
	return rc;
}

static bool
same_file(struct destination *dest, const char *one, const char *two)
{
	int root_fd = dest->sender->spool.root_fd;
	struct stat a, b;

	return fs_stat(root_fd, one, &a, NULL) == 1 &&
	       fs_stat(root_fd, two, &b, NULL) == 1 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int
move_to_fresh_name(struct destination *dest, const char *from_path,
    enum queue_state to, char file[NAME_ITEM_SIZE], struct err *err)
{
	char to_path[PATH_SIZE];
	char stamp[CLOCK_STAMP_SIZE];
	struct item_name name;
	bool is_ours = name_parse(file, &name) == 1;
	int rc = -1, i;

	for (i = 0; i < FRESH_NAMES && rc == -1; i++) {
		name.stamp_us = stamp_next(dest->sender->stamps);
		clock_stamp_format(name.stamp_us, stamp);
		if (is_ours)
			name_format(&name, file);
		else
			(void)snprintf(file, NAME_ITEM_SIZE, "%s.dcm", stamp);
		path_item(to_path, dest->name, to, file);
		rc = fs_rename(
		    dest->sender->spool.root_fd, from_path, to_path, err);
		if (rc == -1 && err->sys != EEXIST)
			break;
	}
	return rc;
}
