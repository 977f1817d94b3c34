/*
 * Whole small files: written under a temporary name beside them, and renamed.
 *
 * Errors: as fs.c. Whatever fails, the temporary name is gone again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs_replace.h"

int
fs_replace_begin(
    int dirfd, const char *path, struct fs_replacement *r, struct err *err)
{
	r->dirfd = dirfd;
	(void)snprintf(r->path, sizeof(r->path), "%s", path);
	fs_temporary_name(path, r->temporary, sizeof(r->temporary));
	r->fd = openat(dirfd, r->temporary,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->fd == -1)
		return err_sys(err, "create %s", r->temporary);
	return 0;
}

int
fs_replace_finish(struct fs_replacement *r, const char *data, size_t size,
    bool sync, struct err *err)
{
	int rc;

	rc = fs_write(r->fd, data, size, r->temporary, err);
	if (rc == 0 && sync)
		rc = fs_sync_fd(r->fd, r->temporary, err);
	if (fs_close(&r->fd, r->temporary, rc == 0 ? err : NULL) == -1)
		rc = -1;
	if (rc == 0 &&
	    renameat(r->dirfd, r->temporary, r->dirfd, r->path) == -1)
		rc = err_sys(err, "rename %s to %s", r->temporary, r->path);
	if (rc == -1)
		(void)unlinkat(r->dirfd, r->temporary, 0);
	return rc;
}

void
fs_replace_cancel(struct fs_replacement *r)
{
	(void)fs_close(&r->fd, r->temporary, NULL);
	(void)unlinkat(r->dirfd, r->temporary, 0);
}

int
fs_replace_file(int dirfd, const char *path, const char *data, size_t size,
    bool sync, struct err *err)
{
	struct fs_replacement r;

	if (fs_replace_begin(dirfd, path, &r, err) == -1)
		return -1;
	return fs_replace_finish(&r, data, size, sync, err);
}
