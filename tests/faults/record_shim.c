/*
 * A shim for LD_PRELOAD that records, in the order in which they happen and
 * over all processes, the calls that change the spool, with their data; the
 * fsyncs; and what goes out on sockets. power_cut.py makes of it what a disk
 * may hold after a power cut. By the environment:
 *
 *	RECORD_LOG	a file that is there, one line a call
 *	RECORD_LOCK	a file of at least a page, shared as the lock
 *	RECORD_ROOT	the spool, without links in its path
 *	RECORD_SYNC_MS	the disk is slow: a pause before each fsync
 *
 * A line: "<CLOCK_MONOTONIC in ns> <pid> <call> <arguments>"; paths are
 * relative to the spool, a file is "<device's inode number>", data is hex.
 *
 * Errors: what cannot be recorded ends the process (abort(3)).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "unconfined.h"

#define LOCK_BYTES 4096
#define SENT_MAX   4096 /* of what goes out on a socket */

/* The library's own, behind ours of the same name. */
#define REAL(name)                                                             \
	static __typeof__(name) *real;                                         \
	if (real == NULL)                                                      \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static struct {
	const char *root;
	size_t root_size;
	int log_fd;
	long sync_ms;
	atomic_flag *lock;
} shim = {.log_fd = -1};

int __openat_2(int dirfd, const char *path, int flags);

static bool resolve(int dirfd, const char *path, char out[PATH_MAX]);
static bool path_of(int fd, char out[PATH_MAX]);
static void lock(void);
static void unlock(void);
static void note(const void *data, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int open_recorded(
    int dirfd, const char *path, int flags, mode_t mode, bool checked);
static bool is_spool_file(int fd, struct stat *st);
static bool is_network(int fd);

__attribute__((constructor)) static void
start(void)
{
	const char *log = getenv("RECORD_LOG"), *file = getenv("RECORD_LOCK");
	int fd;

	shim.root = getenv("RECORD_ROOT");
	if (log == NULL || file == NULL || shim.root == NULL)
		return;
	shim.root_size = strlen(shim.root);
	if (getenv("RECORD_SYNC_MS") != NULL)
		shim.sync_ms = atol(getenv("RECORD_SYNC_MS"));
	fd = open(file, O_RDWR | O_CLOEXEC);
	shim.lock = fd == -1 ? MAP_FAILED
			     : mmap(NULL, LOCK_BYTES, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);
	shim.log_fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (shim.lock == MAP_FAILED || shim.log_fd == -1)
		abort();
	(void)close(fd);
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_recorded(dirfd, path, flags, mode, false);
}

int
__openat_2(int dirfd, const char *path, int flags)
{
	return open_recorded(dirfd, path, flags, 0, true);
}

ssize_t
write(int fd, const void *data, size_t size)
{
	REAL(write);
	struct stat st;
	ssize_t wrote;
	off_t at;

	if (!is_spool_file(fd, &st))
		return real(fd, data, size);
	lock();
	at = lseek(fd, 0, SEEK_CUR);
	wrote = real(fd, data, size);
	if (wrote > 0)
		note(data, (size_t)wrote, "write %llu %lld",
		    (unsigned long long)st.st_ino, (long long)at);
	unlock();
	return wrote;
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	REAL(pwrite);
	struct stat st;
	ssize_t wrote;

	if (!is_spool_file(fd, &st))
		return real(fd, data, size, offset);
	lock();
	wrote = real(fd, data, size, offset);
	if (wrote > 0)
		note(data, (size_t)wrote, "write %llu %lld",
		    (unsigned long long)st.st_ino, (long long)offset);
	unlock();
	return wrote;
}

int
fsync(int fd)
{
	REAL(fsync);
	char path[PATH_MAX];
	struct stat st;
	int rc;

	if (fstat(fd, &st) == -1 || !path_of(fd, path))
		return real(fd);
	(void)nanosleep(
	    &(struct timespec){.tv_nsec = shim.sync_ms * 1000000}, NULL);
	lock();
	rc = real(fd);
	if (rc == 0 && S_ISDIR(st.st_mode))
		note(NULL, 0, "syncdir %s", path);
	else if (rc == 0)
		note(NULL, 0, "sync %llu", (unsigned long long)st.st_ino);
	unlock();
	return rc;
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	REAL(renameat);
	char a[PATH_MAX], b[PATH_MAX];
	bool ours = resolve(from_fd, from, a) && resolve(to_fd, to, b);
	int rc;

	lock();
	rc = real(from_fd, from, to_fd, to);
	if (rc == 0 && ours)
		note(NULL, 0, "rename %s %s", a, b);
	unlock();
	return rc;
}

int
renameat2(
    int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	REAL(renameat2);
	char a[PATH_MAX], b[PATH_MAX];
	bool ours = resolve(from_fd, from, a) && resolve(to_fd, to, b);
	int rc;

	lock();
	rc = real(from_fd, from, to_fd, to, flags);
	if (rc == 0 && ours)
		note(NULL, 0, "rename %s %s", a, b);
	unlock();
	return rc;
}

int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	REAL(linkat);
	char a[PATH_MAX], b[PATH_MAX];
	bool ours = resolve(from_fd, from, a) && resolve(to_fd, to, b);
	int rc;

	lock();
	rc = real(from_fd, from, to_fd, to, flags);
	if (rc == 0 && ours)
		note(NULL, 0, "link %s %s", a, b);
	unlock();
	return rc;
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	REAL(unlinkat);
	char a[PATH_MAX];
	bool ours = resolve(dirfd, path, a);
	int rc;

	lock();
	rc = real(dirfd, path, flags);
	if (rc == 0 && ours)
		note(NULL, 0, "%s %s",
		    (flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", a);
	unlock();
	return rc;
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	REAL(mkdirat);
	char a[PATH_MAX];
	bool ours = resolve(dirfd, path, a);
	int rc;

	lock();
	rc = real(dirfd, path, mode);
	if (rc == 0 && ours)
		note(NULL, 0, "mkdir %s", a);
	unlock();
	return rc;
}

/* Noted before it is sent: from then on the peer may have it. */
ssize_t
send(int fd, const void *data, size_t size, int flags)
{
	REAL(send);

	if (is_network(fd)) {
		lock();
		note(data, size < SENT_MAX ? size : SENT_MAX, "send %d", fd);
		unlock();
	}
	return real(fd, data, size, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg);
	char all[SENT_MAX];
	size_t used = 0, i, n;

	for (i = 0; i < message->msg_iovlen; i++) {
		n = message->msg_iov[i].iov_len;
		if (n > SENT_MAX - used)
			n = SENT_MAX - used;
		if (n > 0)
			memcpy(all + used, message->msg_iov[i].iov_base, n);
		used += n;
	}
	if (is_network(fd)) {
		lock();
		note(all, used, "send %d", fd);
		unlock();
	}
	return real(fd, message, flags);
}

static int
open_recorded(int dirfd, const char *path, int flags, mode_t mode, bool checked)
{
	static int (*real)(int, const char *, int, ...);
	char a[PATH_MAX];
	struct stat st;
	int fd;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "openat");
	if (checked || (flags & (O_CREAT | O_TRUNC)) == 0 ||
	    !resolve(dirfd, path, a))
		return real(dirfd, path, flags, mode);
	lock();
	fd = real(dirfd, path, flags, mode);
	if (fd != -1 && fstat(fd, &st) == 0)
		note(NULL, 0, "create %s %llu", a,
		    (unsigned long long)st.st_ino);
	unlock();
	return fd;
}

/* The path below the spool, "." for itself; false for any other. */
static bool
resolve(int dirfd, const char *path, char out[PATH_MAX])
{
	char whole[2 * PATH_MAX], folder[PATH_MAX];
	size_t size;

	if (shim.log_fd == -1)
		return false;
	if (path[0] == '/' || dirfd == AT_FDCWD) {
		(void)snprintf(whole, sizeof(whole), "%s", path);
		if (strncmp(whole, shim.root, shim.root_size) != 0)
			return false;
		(void)snprintf(out, PATH_MAX, "%s",
		    whole[shim.root_size] == '\0' ? "."
						  : whole + shim.root_size + 1);
		return true;
	}
	if (!path_of(dirfd, folder))
		return false;
	if (strcmp(folder, ".") == 0)
		(void)snprintf(whole, sizeof(whole), "%s", path);
	else
		(void)snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	size = strlen(whole);
	if (size >= PATH_MAX)
		return false;
	memcpy(out, whole, size + 1);
	return true;
}

static bool
path_of(int fd, char out[PATH_MAX])
{
	char link[64], whole[PATH_MAX];
	int saved = errno;
	ssize_t size;

	if (shim.log_fd == -1)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, whole, sizeof(whole) - 1);
	errno = saved;
	if (size < (ssize_t)shim.root_size)
		return false;
	whole[size] = '\0';
	if (strncmp(whole, shim.root, shim.root_size) != 0)
		return false;
	if (whole[shim.root_size] == '\0')
		(void)strcpy(out, ".");
	else if (whole[shim.root_size] == '/')
		(void)strcpy(out, whole + shim.root_size + 1);
	else
		return false;
	return true;
}

static bool
is_spool_file(int fd, struct stat *st)
{
	char path[PATH_MAX];
	int saved = errno;
	bool is;

	is = shim.log_fd != -1 && fd > STDERR_FILENO && fstat(fd, st) == 0 &&
	     S_ISREG(st->st_mode) && path_of(fd, path);
	errno = saved;
	return is;
}

static bool
is_network(int fd)
{
	socklen_t size = sizeof(int);
	int domain = 0, saved = errno;
	bool is;

	is = shim.log_fd != -1 &&
	     getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	     (domain == AF_INET || domain == AF_INET6);
	errno = saved;
	return is;
}

static void
lock(void)
{
	if (shim.log_fd != -1)
		while (atomic_flag_test_and_set(shim.lock))
			(void)sched_yield();
}

static void
unlock(void)
{
	if (shim.log_fd != -1)
		atomic_flag_clear(shim.lock);
}

static void
note(const void *data, size_t size, const char *format, ...)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = data;
	int saved = errno, used;
	struct timespec now;
	va_list args;
	size_t i, room;
	char *line;

	room = 2 * PATH_MAX + 128 + 2 * size;
	line = malloc(room);
	if (line == NULL)
		abort();
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	used = snprintf(line, room, "%lld%09ld %d ", (long long)now.tv_sec,
	    now.tv_nsec, (int)getpid());
	va_start(args, format);
	used += vsnprintf(line + used, room - (size_t)used, format, args);
	va_end(args);
	if (data != NULL)
		line[used++] = ' ';
	for (i = 0; i < size; i++) {
		line[used++] = digits[from[i] >> 4];
		line[used++] = digits[from[i] & 15];
	}
	line[used++] = '\n';
	if (syscall(SYS_write, shim.log_fd, line, (size_t)used) != used)
		abort();
	free(line);
	errno = saved;
}
