/*
 * Fresh folders in the place of large empty ones.
 *
 * A killed process leaves the fresh one aside, empty; after a power cut there
 * may be something in it, where the exchange did not get onto the disk and a
 * later rename did. The next start finds it either way: it is put in the place
 * of the old one, or what is in it is moved.
 *
 * Errors: as fs.c.
 */
#include <stdio.h>
#include <string.h>

#include "fs.h"
#include "label.h"
#include "renew.h"

#define LARGE_BYTES (1 << 20) /* some ten thousand names */

struct rescue {
	const struct spool *spool;
	const char *fresh, *path;
	struct err *err;
};

static int is_empty(
    const struct spool *spool, const char *path, struct err *err);
static int stop_at(void *context, const char *file);
static int give_up(const struct spool *spool, const char *fresh,
    const char *path, struct err *err);
static int move_back(void *context, const char *file);

int
renew_folder(const struct spool *spool, const char *dest, const char *path,
    struct err *err)
{
	const char *name = strrchr(path, '/') + 1;
	char fresh[PATH_SIZE];
	struct stat st;
	int there, rc;

	(void)snprintf(
	    fresh, sizeof(fresh), "%.*s.%s~", (int)(name - path), path, name);
	there = fs_stat(spool->root_fd, fresh, &st, err);
	if (there == 0) {
		there = fs_stat(spool->root_fd, path, &st, err);
		if (there != 1 || st.st_size <= LARGE_BYTES)
			return there == -1 ? -1 : 0;
		rc = is_empty(spool, path, err);
		if (rc != 1)
			return rc;
		if (fs_mkdir(spool->root_fd, fresh, err) == -1)
			return -1;
	}
	if (there == -1)
		return -1;
	rc = fs_replace_empty(spool->root_fd, fresh, path, err);
	if (rc == 0)
		return give_up(spool, fresh, path, err);
	if (rc == -1 || spool_sync_destination(spool, dest, err) == -1)
		return -1;
	return 1;
}

static int
is_empty(const struct spool *spool, const char *path, struct err *err)
{
	int rc;

	rc = fs_scan(spool->root_fd, path, stop_at, NULL, err);
	return rc == -1 ? -1 : rc == 0;
}

static int
stop_at(void *context, const char *file)
{
	(void)context;
	(void)file;
	return 1;
}

static int
give_up(const struct spool *spool, const char *fresh, const char *path,
    struct err *err)
{
	struct rescue rescue = {spool, fresh, path, err};

	if (fs_scan(spool->root_fd, fresh, move_back, &rescue, err) != 0 ||
	    fs_rmdir(spool->root_fd, fresh, err) == -1)
		return -1;
	return 0;
}

static int
move_back(void *context, const char *file)
{
	const struct rescue *rescue = context;
	int root_fd = rescue->spool->root_fd;
	char label[LABEL_SIZE];
	char from[PATH_SIZE + NAME_FILE_SIZE], to[PATH_SIZE + NAME_FILE_SIZE];

	(void)snprintf(from, sizeof(from), "%s/%s", rescue->fresh, file);
	(void)snprintf(to, sizeof(to), "%s/%s", rescue->path, file);
	if (fs_rename(root_fd, from, to, rescue->err) != -1)
		return 0;
	label_path(root_fd, from, file, label);
	label_text(rescue->err->text, sizeof(rescue->err->text), file, label);
	return -1;
}
