/*
 * A shim for LD_PRELOAD that makes calls fail, as disk.py says at run time in
 * a page of memory that all processes of one daemon share: ERRNO_CONTROL is
 * its file. Only what touches the spool fails, and what a process is made of.
 *
 * Errors: without that file nothing fails.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* In this order in disk.py, too. */
enum call {
	CALL_OPEN,
	CALL_CREATE,
	CALL_WRITE,
	CALL_PWRITE,
	CALL_PREAD,
	CALL_CLOSE,
	CALL_LINK,
	CALL_REPLACE,
	CALL_RENAME,
	CALL_UNLINK,
	CALL_MKDIR,
	CALL_FSYNC,
	CALL_STAT,
	CALL_READDIR,
	CALL_STATVFS,
	CALL_ACCEPT,
	CALL_SOCKETPAIR,
	CALL_FORK,
	CALL_SOCKET
};

struct control {
	atomic_int armed;
	atomic_int child; /* 0: in the parent; 1: in those that it forks */
	atomic_int call;
	atomic_int error; /* errno; 0: a short write */
	atomic_int skip;  /* so many of them do what they should */
	atomic_int count; /* and then so many fail */
	atomic_int hits;
};

/* The library's own, behind ours of the same name. */
#define REAL(name)                                                             \
	static __typeof__(name) *real;                                         \
	if (real == NULL)                                                      \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAIL(call)                                                             \
	do {                                                                   \
		if (fails(call)) {                                             \
			errno = atomic_load(&shim.control->error);             \
			return -1;                                             \
		}                                                              \
	} while (0)

static struct {
	struct control *control; /* NULL: nothing fails */
	bool is_child;
} shim;

static bool fails(enum call call);
static bool is_spool_path(int dirfd, const char *path);
static bool is_file(int fd);

__attribute__((constructor)) static void
start(void)
{
	const char *file = getenv("ERRNO_CONTROL");
	void *page;
	int fd;

	fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	(void)close(fd);
	if (page != MAP_FAILED)
		shim.control = page;
}

pid_t
fork(void)
{
	REAL(fork);
	pid_t pid;

	FAIL(CALL_FORK);
	pid = real();
	if (pid == 0)
		shim.is_child = true;
	return pid;
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	REAL(openat);
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (is_spool_path(dirfd, path))
		FAIL((flags & O_CREAT) != 0 ? CALL_CREATE : CALL_OPEN);
	return real(dirfd, path, flags, mode);
}

int __openat_2(int dirfd, const char *path, int flags);

int
__openat_2(int dirfd, const char *path, int flags)
{
	REAL(__openat_2);

	if (is_spool_path(dirfd, path))
		FAIL(CALL_OPEN);
	return real(dirfd, path, flags);
}

ssize_t
write(int fd, const void *data, size_t size)
{
	REAL(write);

	if (is_file(fd) && fails(CALL_WRITE)) {
		errno = atomic_load(&shim.control->error);
		return errno != 0 ? -1 : real(fd, data, (size + 1) / 2);
	}
	return real(fd, data, size);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	REAL(pwrite);

	if (fails(CALL_PWRITE)) {
		errno = atomic_load(&shim.control->error);
		return errno != 0 ? -1 : real(fd, data, (size + 1) / 2, offset);
	}
	return real(fd, data, size, offset);
}

ssize_t
pread(int fd, void *data, size_t size, off_t offset)
{
	REAL(pread);

	FAIL(CALL_PREAD);
	return real(fd, data, size, offset);
}

/* It is closed all the same, as close(2) says. */
int
close(int fd)
{
	REAL(close);
	bool fail = is_file(fd) && fails(CALL_CLOSE);
	int rc;

	rc = real(fd);
	if (!fail)
		return rc;
	errno = atomic_load(&shim.control->error);
	return -1;
}

int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	REAL(linkat);

	FAIL(CALL_LINK);
	return real(from_fd, from, to_fd, to, flags);
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	REAL(renameat);

	FAIL(CALL_REPLACE);
	return real(from_fd, from, to_fd, to);
}

int
renameat2(
    int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	REAL(renameat2);

	FAIL(CALL_RENAME);
	return real(from_fd, from, to_fd, to, flags);
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	REAL(unlinkat);

	FAIL(CALL_UNLINK);
	return real(dirfd, path, flags);
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	REAL(mkdirat);

	FAIL(CALL_MKDIR);
	return real(dirfd, path, mode);
}

int
fsync(int fd)
{
	REAL(fsync);

	FAIL(CALL_FSYNC);
	return real(fd);
}

int
fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	REAL(fstatat);

	if (is_spool_path(dirfd, path))
		FAIL(CALL_STAT);
	return real(dirfd, path, st, flags);
}

struct dirent *
readdir(DIR *dir)
{
	REAL(readdir);

	if (fails(CALL_READDIR)) {
		errno = atomic_load(&shim.control->error);
		return NULL;
	}
	return real(dir);
}

int
fstatvfs(int fd, struct statvfs *st)
{
	REAL(fstatvfs);

	FAIL(CALL_STATVFS);
	return real(fd, st);
}

/* What has come stays in the queue of the socket, as with EMFILE. */
int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	REAL(accept4);

	FAIL(CALL_ACCEPT);
	return real(fd, address, size, flags);
}

int
socketpair(int domain, int type, int protocol, int fds[2])
{
	REAL(socketpair);

	FAIL(CALL_SOCKETPAIR);
	return real(domain, type, protocol, fds);
}

int
socket(int domain, int type, int protocol)
{
	REAL(socket);

	if (domain == AF_INET || domain == AF_INET6)
		FAIL(CALL_SOCKET);
	return real(domain, type, protocol);
}

static bool
fails(enum call call)
{
	struct control *c = shim.control;

	if (c == NULL || atomic_load(&c->armed) == 0 ||
	    atomic_load(&c->call) != (int)call ||
	    (atomic_load(&c->child) != 0) != shim.is_child ||
	    atomic_fetch_sub(&c->skip, 1) > 0 ||
	    atomic_fetch_sub(&c->count, 1) <= 0)
		return false;
	atomic_fetch_add(&c->hits, 1);
	return true;
}

/* All in the spool is relative to its descriptor. */
static bool
is_spool_path(int dirfd, const char *path)
{
	return dirfd != AT_FDCWD && path[0] != '/';
}

static bool
is_file(int fd)
{
	struct stat st;
	int saved = errno;
	bool is;

	is = shim.control != NULL && fd > STDERR_FILENO &&
	     fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	errno = saved;
	return is;
}
