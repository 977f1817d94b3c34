/*
 * File system calls: each wrapped once, with verb and path in its error.
 *
 * Errors: -1 and *err from errno; see err.c for the classes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs.h"
#include "path.h"

int
fs_open(int dirfd, const char *path, int flags, struct err *err)
{
	int fd;

	fd = openat(dirfd, path, flags | O_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "open %s", path);
	return fd;
}

int
fs_create(int dirfd, const char *path, struct err *err)
{
	int fd;

	fd = openat(dirfd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(err, "create %s", path);
	return fd;
}

int
fs_open_append(const char *path, struct err *err)
{
	int fd;

	fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
	    0600);
	if (fd == -1)
		return err_sys(err, "open %s", path);
	return fd;
}

int
fs_open_dir(int dirfd, const char *path, struct err *err)
{
	return fs_open(dirfd, path, O_RDONLY | O_DIRECTORY, err);
}

int
fs_close(int *fd, const char *path, struct err *err)
{
	int closing = *fd;

	*fd = -1;
	if (closing != -1 && close(closing) == -1 && errno != EINTR)
		return err_sys(err, "close %s", path);
	return 0;
}

int
fs_write(
    int fd, const void *data, size_t size, const char *path, struct err *err)
{
	const char *at = data;
	ssize_t wrote;

	while (size > 0) {
		wrote = write(fd, at, size);
		if (wrote == -1 && errno == EINTR)
			continue;
		if (wrote == -1)
			return err_sys(err, "write %s", path);
		at += wrote;
		size -= (size_t)wrote;
	}
	return 0;
}

int
fs_pwrite(int fd, const void *data, size_t size, off_t offset, const char *path,
    struct err *err)
{
	const char *at = data;
	ssize_t wrote;

	while (size > 0) {
		wrote = pwrite(fd, at, size, offset);
		if (wrote == -1 && errno == EINTR)
			continue;
		if (wrote == -1)
			return err_sys(err, "write %s", path);
		at += wrote;
		offset += wrote;
		size -= (size_t)wrote;
	}
	return 0;
}

ssize_t
fs_pread(int fd, void *data, size_t size, off_t offset, const char *path,
    struct err *err)
{
	char *at = data;
	size_t used = 0;
	ssize_t got;

	while (used < size) {
		got = pread(fd, at + used, size - used, offset + (off_t)used);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return err_sys(err, "read %s", path);
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

ssize_t
fs_read_file(
    int dirfd, const char *path, char *data, size_t size, struct err *err)
{
	ssize_t got;
	int fd;

	fd = fs_open(dirfd, path, O_RDONLY | O_NOFOLLOW, err);
	if (fd == -1)
		return -1;
	/* Of a regular file all that is there, up to size. */
	do
		got = read(fd, data, size);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		(void)err_sys(err, "read %s", path);
	(void)close(fd);
	if (got == -1)
		return -1;
	if ((size_t)got == size)
		return err_set(err, ERR_CORRUPT,
		    "read %s: longer than %zu bytes", path, size - 1);
	data[got] = '\0';
	return got;
}

int
fs_mkdir(int dirfd, const char *path, struct err *err)
{
	if (mkdirat(dirfd, path, 0700) == -1 && errno != EEXIST)
		return err_sys(err, "make folder %s", path);
	return 0;
}

int
fs_unlink(int dirfd, const char *path, struct err *err)
{
	if (unlinkat(dirfd, path, 0) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return err_sys(err, "remove %s", path);
}

int
fs_give_back(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "stat %s", path);
	if (st.st_nlink == 0 && ftruncate(fd, 0) == -1)
		return err_sys(err, "truncate %s", path);
	return 0;
}

int
fs_rmdir(int dirfd, const char *path, struct err *err)
{
	if (unlinkat(dirfd, path, AT_REMOVEDIR) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return err_sys(err, "remove folder %s", path);
}

int
fs_rename(int dirfd, const char *from, const char *to, struct err *err)
{
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
		return 1;
	if (errno == ENOENT &&
	    faccessat(dirfd, from, F_OK, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT)
		return 0;
	return err_sys(err, "rename %s to %s", from, to);
}

int
fs_exchange(int dirfd, const char *one, const char *two, struct err *err)
{
	if (renameat2(dirfd, one, dirfd, two, RENAME_EXCHANGE) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return err_sys(err, "exchange %s and %s", one, two);
}

int
fs_chmod(int dirfd, const char *path, mode_t mode, struct err *err)
{
	if (fchmodat(dirfd, path, mode, 0) == -1)
		return err_sys(err, "change the mode of %s", path);
	return 0;
}

int
fs_link(int dirfd, const char *from, const char *to, struct err *err)
{
	if (linkat(dirfd, from, dirfd, to, 0) == -1)
		return err_sys(err, "link %s to %s", from, to);
	return 0;
}

int
fs_stat(int dirfd, const char *path, struct stat *st, struct err *err)
{
	if (fstatat(dirfd, path, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return err_sys(err, "stat %s", path);
}

int
fs_sync_fd(int fd, const char *path, struct err *err)
{
	if (fsync(fd) == -1)
		return err_sys(err, "sync %s", path);
	return 0;
}

int
fs_sync_dir(int dirfd, const char *path, struct err *err)
{
	int fd, rc;

	fd = fs_open_dir(dirfd, path, err);
	if (fd == -1)
		return -1;
	rc = fs_sync_fd(fd, path, err);
	(void)close(fd);
	return rc;
}

int
fs_unwritten(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == -1)
		return errno == EAGAIN ? 0 : -1;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return 1;
}

int
fs_lock_exclusive(int fd, const char *path, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	if (errno == EWOULDBLOCK)
		return 0;
	return err_sys(err, "lock %s", path);
}

int
fs_lock_held(int fd, const char *path, struct err *err)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		(void)flock(fd, LOCK_UN);
		return 0;
	}
	if (errno == EWOULDBLOCK)
		return 1;
	return err_sys(err, "lock %s", path);
}

int
fs_free(int fd, int64_t *bytes, int64_t *inodes, struct err *err)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) == -1)
		return err_sys(err, "read the free space of the spool");
	*bytes = (int64_t)st.f_bavail * (int64_t)st.f_frsize;
	/* A file system without a fixed number of inodes says 0 of 0. */
	*inodes = st.f_files == 0 ? INT64_MAX : (int64_t)st.f_favail;
	return 0;
}

int
fs_used_percent(int fd, int *percent, struct err *err)
{
	struct statvfs st;
	uint64_t used, ours;

	if (fstatvfs(fd, &st) == -1)
		return err_sys(err, "read the free space of the spool");
	used = (uint64_t)(st.f_blocks - st.f_bfree);
	ours = used + (uint64_t)st.f_bavail;
	*percent = ours == 0 ? 0 : (int)((used * 100 + ours - 1) / ours);
	return 0;
}
