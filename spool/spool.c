/*
 * StorageLocation: opened, checked, created, locked.
 *
 * Errors: ERR_CONFIG for a folder that is not a spool of this version, or is
 * on two file systems; ERR_TEMPORARY for a lock that somebody else has; else
 * as fs.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fs.h"
#include "fs_replace.h"
#include "spool.h"
#include "stamp.h"

#define VERSION_TEXT "dcmspool-spool 1\n"
#define LOCK_POLL_MS 50

struct newest_scan {
	const struct spool *spool;
	const char *dest;
	int64_t newest_us;
	int64_t limit_us;
	char newest[CLOCK_STAMP_SIZE]; /* the same as a name begins */
	struct err *err;
};

static int open_root(
    const char *location, bool create, struct spool *spool, struct err *err);
static int check_version(
    const struct spool *spool, bool create, struct err *err);
static int read_version(const struct spool *spool, struct err *err);
static int make_folders(const struct spool *spool, struct err *err);
static int make_folder(
    const struct spool *spool, const char *path, bool *made, struct err *err);
static int check_same_file_system(
    const struct spool *spool, const char *path, struct err *err);
static int refuse_entry(void *context, const char *file);
static int newest_in_destination(void *context, const char *dest);
static int newest_of_file(void *context, const char *file);

int
spool_open(
    const char *location, bool create, struct spool *spool, struct err *err)
{
	*spool = (struct spool){.root_fd = -1};
	spool->location = strdup(location);
	if (spool->location == NULL)
		return err_sys(err, "open %s", location);
	if (open_root(location, create, spool, err) == -1 ||
	    check_version(spool, create, err) == -1)
		goto fail;
	if (create && make_folders(spool, err) == -1)
		goto fail;
	if (check_same_file_system(spool, PATH_TMP, err) == -1 ||
	    check_same_file_system(spool, PATH_QUEUE, err) == -1 ||
	    check_same_file_system(spool, PATH_RESULT, err) == -1)
		goto fail;
	return 0;
fail:
	spool_close(spool);
	return -1;
}

void
spool_close(struct spool *spool)
{
	(void)fs_close(&spool->root_fd, spool->location, NULL);
	free(spool->location);
	spool->location = NULL;
}

int
spool_make_destination(
    const struct spool *spool, const char *dest, struct err *err)
{
	char path[PATH_SIZE];
	bool made = false;
	int i;

	path_destination(path, dest);
	if (make_folder(spool, path, &made, err) == -1)
		return -1;
	for (i = 0; i < QUEUE_STATES; i++) {
		path_state(path, dest, (enum queue_state)i);
		if (make_folder(spool, path, &made, err) == -1 ||
		    check_same_file_system(spool, path, err) == -1)
			return -1;
	}
	path_records(path, dest);
	if (make_folder(spool, path, &made, err) == -1)
		return -1;
	return made ? spool_sync_destination(spool, dest, err) : 0;
}

int
spool_sync_destination(
    const struct spool *spool, const char *dest, struct err *err)
{
	char path[PATH_SIZE];

	path_destination(path, dest);
	if (fs_sync_dir(spool->root_fd, path, err) == -1)
		return -1;
	return fs_sync_dir(spool->root_fd, PATH_QUEUE, err);
}

int
spool_lock(const struct spool *spool, enum spool_side side, int wait_ms,
    int *lock_fd, struct err *err)
{
	const char *path = side == SPOOL_SENDER ? PATH_QUEUE : PATH_RESULT;
	int64_t until_ms = clock_mono_ms() + wait_ms;
	int got;

	*lock_fd = fs_open_dir(spool->root_fd, path, err);
	if (*lock_fd == -1)
		return -1;
	while ((got = fs_lock_exclusive(*lock_fd, path, err)) == 0 &&
	       clock_mono_ms() < until_ms)
		(void)poll(NULL, 0, LOCK_POLL_MS);
	if (got == 1)
		return 0;
	(void)fs_close(lock_fd, path, NULL);
	if (got == 0)
		return err_set(err, ERR_TEMPORARY,
		    "another %s runs on the spool %s: stop it first, or give "
		    "this one a StorageLocation of its own",
		    side == SPOOL_SENDER ? "sender" : "receiver",
		    spool->location);
	return -1;
}

int
spool_sender_runs(int queue_fd, struct err *err)
{
	return fs_lock_held(queue_fd, PATH_QUEUE, err);
}

int
spool_newest_stamp(
    const struct spool *spool, int64_t *newest_us, struct err *err)
{
	struct newest_scan scan = {.spool = spool,
	    .err = err,
	    .limit_us = clock_real_us() + STAMP_AHEAD_US};
	int rc;

	rc = spool_scan_destinations(spool, newest_in_destination, &scan, err);
	*newest_us = scan.newest_us;
	return rc;
}

int
spool_scan_destinations(const struct spool *spool,
    int (*visit)(void *context, const char *dest), void *context,
    struct err *err)
{
	return fs_scan(spool->root_fd, PATH_QUEUE, visit, context, err);
}

static int
open_root(
    const char *location, bool create, struct spool *spool, struct err *err)
{
	if (create && fs_mkdir(AT_FDCWD, location, err) == -1) {
		if (err->sys == ENOENT)
			return err_set(err, ERR_CONFIG,
			    "StorageLocation %s: the folder that it is to be "
			    "made in does not exist",
			    location);
		return -1;
	}
	spool->root_fd = fs_open_dir(AT_FDCWD, location, err);
	if (spool->root_fd == -1 && err->sys == ENOENT)
		return err_set(err, ERR_CONFIG,
		    "StorageLocation %s does not exist: a daemon makes it at "
		    "its first start",
		    location);
	return spool->root_fd == -1 ? -1 : 0;
}

/* Both daemons may make it at the same time. */
static int
check_version(const struct spool *spool, bool create, struct err *err)
{
	int there;

	there = read_version(spool, err);
	if (there == 0 &&
	    fs_scan(spool->root_fd, ".", refuse_entry, NULL, err) != 0) {
		there = read_version(spool, err);
		if (there == 0)
			return err_set(err, ERR_CONFIG,
			    "%s is not a spool of dcmspool: it has no version "
			    "file and is not empty",
			    spool->location);
	}
	if (there == 0 && !create)
		return err_set(err, ERR_CONFIG,
		    "%s is empty: a daemon makes the spool at its first start",
		    spool->location);
	/* The other one may take our temporary file away, below. */
	if (there == 0 &&
	    fs_replace_file(spool->root_fd, PATH_VERSION, VERSION_TEXT,
		strlen(VERSION_TEXT), true, err) == -1 &&
	    read_version(spool, NULL) != 1)
		return -1;
	if (there == -1)
		return -1;
	/* Folders without it would not be taken for a spool. */
	if (there == 0 &&
	    fs_sync_fd(spool->root_fd, spool->location, err) == -1)
		return -1;
	return create ? fs_remove_temporaries(spool->root_fd, ".", err) : 0;
}

/* 1 it is ours, 0 there is none, -1 */
static int
read_version(const struct spool *spool, struct err *err)
{
	struct err local = {.class = ERR_NONE};
	char text[64];

	if (fs_read_file(spool->root_fd, PATH_VERSION, text, sizeof(text),
		&local) == -1) {
		if (local.sys == ENOENT)
			return 0;
		if (err != NULL)
			*err = local;
		return -1;
	}
	if (strcmp(text, VERSION_TEXT) == 0)
		return 1;
	text[strcspn(text, "\n")] = '\0';
	return err_set(err, ERR_CONFIG,
	    "%s/version says \"%s\"; this program knows \"dcmspool-spool 1\" "
	    "only",
	    spool->location, text);
}

static int
make_folders(const struct spool *spool, struct err *err)
{
	if (fs_mkdir(spool->root_fd, PATH_TMP, err) == -1 ||
	    fs_mkdir(spool->root_fd, PATH_QUEUE, err) == -1 ||
	    fs_mkdir(spool->root_fd, PATH_RESULT, err) == -1)
		return -1;
	/* Its own name, too; where we may not read that folder, it is there
	 * since before. */
	(void)fs_sync_dir(spool->root_fd, "..", NULL);
	return fs_sync_fd(spool->root_fd, spool->location, err);
}

static int
make_folder(
    const struct spool *spool, const char *path, bool *made, struct err *err)
{
	struct stat st;

	switch (fs_stat(spool->root_fd, path, &st, err)) {
	case 0:
		*made = true;
		return fs_mkdir(spool->root_fd, path, err);
	case 1:
		return 0;
	default:
		return -1;
	}
}

static int
check_same_file_system(
    const struct spool *spool, const char *path, struct err *err)
{
	struct stat root, st;
	int there;

	if (fs_stat(spool->root_fd, ".", &root, err) == -1)
		return -1;
	there = fs_stat(spool->root_fd, path, &st, err);
	if (there == -1)
		return -1;
	if (there == 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG,
		    "%s/%s is not a folder: the spool is not whole",
		    spool->location, path);
	if (st.st_dev != root.st_dev)
		return err_set(err, ERR_CONFIG,
		    "%s/%s is on another file system than the spool: "
		    "rename(2) does not work across; mount one file system "
		    "at %s instead",
		    spool->location, path, spool->location);
	return 0;
}

/* A fresh file system brings its lost+found along. */
static int
refuse_entry(void *context, const char *file)
{
	(void)context;
	return strcmp(file, "lost+found") != 0;
}

static int
newest_in_destination(void *context, const char *dest)
{
	struct newest_scan *scan = context;
	char path[PATH_SIZE];
	struct stat st;
	int i;

	if (!name_destination_valid(dest))
		return 0;
	for (i = 0; i < QUEUE_STATES; i++) {
		path_state(path, dest, (enum queue_state)i);
		if (fs_stat(scan->spool->root_fd, path, &st, NULL) != 1)
			continue;
		if (fs_scan(scan->spool->root_fd, path, newest_of_file, scan,
			scan->err) == -1)
			return -1;
	}
	return 0;
}

/* A name made by hand may say anything: no clock was ever so wrong. */
static int
newest_of_file(void *context, const char *file)
{
	struct newest_scan *scan = context;
	struct item_name name;

	/* Names sort by arrival: most need not be read any further. */
	if (strncmp(file, scan->newest, CLOCK_STAMP_SIZE - 1) <= 0)
		return 0;
	if (name_parse(file, &name) && name.stamp_us < scan->limit_us) {
		scan->newest_us = name.stamp_us;
		clock_stamp_format(name.stamp_us, scan->newest);
	}
	return 0;
}
