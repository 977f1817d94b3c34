/*
 * The names in folders: read one by one, visited, removed.
 *
 * Errors: as fs.c.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "path.h"

#define REMOVE_TRIES 100 /* of a folder that somebody still fills */

struct fs_folder {
	DIR *dir;
	char path[PATH_SIZE]; /* for messages */
};

static int remove_entries(
    int dirfd, const char *path, bool temporaries_only, struct err *err);

struct fs_folder *
fs_folder_open(int dirfd, const char *path, struct err *err)
{
	struct fs_folder *folder;
	int fd;

	fd = fs_open_dir(dirfd, path, err);
	if (fd == -1)
		return NULL;
	folder = calloc(1, sizeof(*folder));
	if (folder != NULL)
		folder->dir = fdopendir(fd);
	if (folder == NULL || folder->dir == NULL) {
		(void)err_sys(err, "read folder %s", path);
		(void)close(fd);
		free(folder);
		return NULL;
	}
	(void)snprintf(folder->path, sizeof(folder->path), "%s", path);
	return folder;
}

int
fs_folder_next(struct fs_folder *folder, const char **file, struct err *err)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(folder->dir);
	} while (entry != NULL && (strcmp(entry->d_name, ".") == 0 ||
				      strcmp(entry->d_name, "..") == 0));
	if (entry != NULL) {
		*file = entry->d_name;
		return 1;
	}
	if (errno == 0)
		return 0;
	(void)err_sys(err, "read folder %s", folder->path);
	return -1;
}

void
fs_folder_close(struct fs_folder **folder)
{
	if (*folder == NULL)
		return;
	(void)closedir((*folder)->dir);
	free(*folder);
	*folder = NULL;
}

int
fs_scan(int dirfd, const char *path,
    int (*visit)(void *context, const char *file), void *context,
    struct err *err)
{
	struct fs_folder *folder;
	const char *file;
	int rc = 0, stop = 0;

	folder = fs_folder_open(dirfd, path, err);
	if (folder == NULL)
		return -1;
	while (stop == 0 && (rc = fs_folder_next(folder, &file, err)) == 1)
		if (file[0] != '.')
			stop = visit(context, file);
	fs_folder_close(&folder);
	return stop != 0 ? stop : rc;
}

void
fs_temporary_name(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');
	int folder = slash == NULL ? 0 : (int)(slash - path) + 1;

	(void)snprintf(out, size, "%.*s.%s.%d~", folder, path, path + folder,
	    (int)getpid());
}

int
fs_remove_temporaries(int dirfd, const char *path, struct err *err)
{
	return remove_entries(dirfd, path, true, err);
}

int
fs_replace_empty(
    int dirfd, const char *fresh, const char *path, struct err *err)
{
	if (renameat(dirfd, fresh, dirfd, path) == 0)
		return 1;
	if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT)
		return 0;
	return err_sys(err, "rename %s to %s", fresh, path);
}

/* Somebody may put a file in while it is being emptied. */
int
fs_remove_tree(int dirfd, const char *path, struct err *err)
{
	struct err local;
	int rc = -1, i;

	for (i = 0; i < REMOVE_TRIES && rc == -1; i++) {
		local = (struct err){.class = ERR_NONE};
		if (remove_entries(dirfd, path, false, &local) == -1 &&
		    local.sys != ENOENT)
			break;
		rc = fs_rmdir(dirfd, path, &local);
		if (rc == -1 && local.sys != ENOTEMPTY)
			break;
	}
	if (rc == -1 && err != NULL)
		*err = local;
	return rc == -1 ? -1 : 0;
}

bool
fs_is_temporary(const char *file)
{
	return file[0] == '.' && file[strlen(file) - 1] == '~';
}

static int
remove_entries(
    int dirfd, const char *path, bool temporaries_only, struct err *err)
{
	char entry_path[PATH_SIZE + NAME_FILE_SIZE];
	struct fs_folder *folder;
	struct err local;
	const char *file;
	int rc;

	folder = fs_folder_open(dirfd, path, err);
	if (folder == NULL)
		return -1;
	while ((rc = fs_folder_next(folder, &file, err)) == 1) {
		if (temporaries_only && !fs_is_temporary(file))
			continue;
		(void)snprintf(
		    entry_path, sizeof(entry_path), "%s/%s", path, file);
		rc = fs_unlink(dirfd, entry_path, &local);
		/* A folder is not ours to remove: spool_renew.h. */
		if (rc == -1 && !(temporaries_only && local.sys == EISDIR)) {
			if (err != NULL)
				*err = local;
			break;
		}
	}
	fs_folder_close(&folder);
	return rc;
}
