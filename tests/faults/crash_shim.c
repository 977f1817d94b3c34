/*
 * A shim for LD_PRELOAD that counts the calls which touch the spool or a
 * socket in one process of a daemon, and ends that process with SIGKILL
 * before or after the n-th. By the environment:
 *
 *	CRASH_PROGRAM	the daemon's name; in others nothing is counted
 *	CRASH_FORK	0: in the parent; k: in the k-th process that it forks
 *	CRASH_AT	n; 0 or none: nobody is ended
 *	CRASH_BEFORE	set: before that call, else after it
 *	CRASH_LOG	a file: one line for the call at which it ended
 *	CRASH_TRACE	a file: one line for each counted call
 *	CRASH_SYNCS	a file: one line for each fsync(2) of any process, with
 *			CLOCK_MONOTONIC and the path
 *
 * Errors: what cannot be written to these files is lost.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "unconfined.h"

#define LINE_SIZE (2 * PATH_MAX + 128)

/* The library's own, behind ours of the same name. */
#define REAL(name)                                                             \
	static __typeof__(name) *real;                                         \
	if (real == NULL)                                                      \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* One counted call that returns `type`. */
#define COUNTED(type, name, fd, path, call)                                    \
	do {                                                                   \
		type result_;                                                  \
		begin(#name, fd, path);                                        \
		result_ = call;                                                \
		end(#name, fd, path);                                          \
		return result_;                                                \
	} while (0)

/* Only a shim may have these: it lives beside a program that knows nothing
 * of it. */
static struct {
	bool is_armed; /* it is this process */
	bool before;
	unsigned child; /* 0 the parent; k its k-th child */
	unsigned wanted_child;
	unsigned forks;
	unsigned long calls, at;
	const char *log, *trace, *syncs;
} shim;

int __openat_2(int dirfd, const char *path, int flags);
ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);

static void begin(const char *name, int fd, const char *path);
static void end(const char *name, int fd, const char *path);
static void note(const char *file, const char *name, int fd, const char *path);
static bool is_ours(int dirfd, const char *path);
static bool is_socket(int fd);
static bool is_counted_fd(int fd);

__attribute__((constructor)) static void
start(void)
{
	const char *program = getenv("CRASH_PROGRAM"), *text;

	shim.log = getenv("CRASH_LOG");
	shim.trace = getenv("CRASH_TRACE");
	shim.syncs = getenv("CRASH_SYNCS");
	shim.before = getenv("CRASH_BEFORE") != NULL;
	text = getenv("CRASH_AT");
	shim.at = text == NULL ? 0 : strtoul(text, NULL, 10);
	text = getenv("CRASH_FORK");
	shim.wanted_child =
	    text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
	if (program == NULL || strcmp(program, program_invocation_short_name)) {
		shim.wanted_child = UINT_MAX;
		return;
	}
	shim.is_armed = shim.wanted_child == 0;
}

pid_t
fork(void)
{
	REAL(fork);
	bool is_parent = shim.child == 0;
	pid_t pid;

	begin("fork", -1, "");
	pid = real();
	if (pid == 0) {
		shim.is_armed = is_parent && shim.wanted_child != 0 &&
				shim.forks + 1 == shim.wanted_child;
		shim.child = is_parent ? shim.forks + 1 : UINT_MAX;
		shim.calls = 0;
		return 0;
	}
	shim.forks += pid > 0;
	end("fork", -1, "");
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
	if (!is_ours(dirfd, path))
		return real(dirfd, path, flags, mode);
	COUNTED(int, openat, -1, path, real(dirfd, path, flags, mode));
}

int
__openat_2(int dirfd, const char *path, int flags)
{
	REAL(__openat_2);

	if (!is_ours(dirfd, path))
		return real(dirfd, path, flags);
	COUNTED(int, openat, -1, path, real(dirfd, path, flags));
}

ssize_t
write(int fd, const void *data, size_t size)
{
	REAL(write);

	if (!is_counted_fd(fd))
		return real(fd, data, size);
	COUNTED(ssize_t, write, fd, NULL, real(fd, data, size));
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	REAL(pwrite);

	COUNTED(ssize_t, pwrite, fd, NULL, real(fd, data, size, offset));
}

ssize_t
read(int fd, void *data, size_t size)
{
	REAL(read);

	if (!is_socket(fd))
		return real(fd, data, size);
	COUNTED(ssize_t, read, fd, NULL, real(fd, data, size));
}

ssize_t
__read_chk(int fd, void *data, size_t size, size_t room)
{
	REAL(__read_chk);

	if (!is_socket(fd))
		return real(fd, data, size, room);
	COUNTED(ssize_t, read, fd, NULL, real(fd, data, size, room));
}

ssize_t
recv(int fd, void *data, size_t size, int flags)
{
	REAL(recv);

	COUNTED(ssize_t, recv, fd, NULL, real(fd, data, size, flags));
}

ssize_t
__recv_chk(int fd, void *data, size_t size, size_t room, int flags)
{
	REAL(__recv_chk);

	COUNTED(ssize_t, recv, fd, NULL, real(fd, data, size, room, flags));
}

ssize_t
send(int fd, const void *data, size_t size, int flags)
{
	REAL(send);

	COUNTED(ssize_t, send, fd, NULL, real(fd, data, size, flags));
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg);

	COUNTED(ssize_t, sendmsg, fd, NULL, real(fd, message, flags));
}

int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
	REAL(connect);

	COUNTED(int, connect, fd, NULL, real(fd, address, size));
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	REAL(accept4);

	COUNTED(int, accept4, fd, NULL, real(fd, address, size, flags));
}

int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
	REAL(bind);

	COUNTED(int, bind, fd, NULL, real(fd, address, size));
}

int
listen(int fd, int backlog)
{
	REAL(listen);

	COUNTED(int, listen, fd, NULL, real(fd, backlog));
}

int
shutdown(int fd, int how)
{
	REAL(shutdown);

	COUNTED(int, shutdown, fd, NULL, real(fd, how));
}

int
close(int fd)
{
	REAL(close);

	if (!is_counted_fd(fd))
		return real(fd);
	COUNTED(int, close, -1, "", real(fd));
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	REAL(renameat);

	COUNTED(int, renameat, -1, to, real(from_fd, from, to_fd, to));
}

int
renameat2(
    int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	REAL(renameat2);

	COUNTED(int, renameat2, -1, to, real(from_fd, from, to_fd, to, flags));
}

int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	REAL(linkat);

	COUNTED(int, linkat, -1, to, real(from_fd, from, to_fd, to, flags));
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	REAL(unlinkat);

	COUNTED(int, unlinkat, -1, path, real(dirfd, path, flags));
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	REAL(mkdirat);

	COUNTED(int, mkdirat, -1, path, real(dirfd, path, mode));
}

int
fsync(int fd)
{
	REAL(fsync);
	int rc;

	begin("fsync", fd, NULL);
	rc = real(fd);
	if (rc == 0 && shim.syncs != NULL)
		note(shim.syncs, "fsync", fd, NULL);
	end("fsync", fd, NULL);
	return rc;
}

int
flock(int fd, int operation)
{
	REAL(flock);

	COUNTED(int, flock, fd, NULL, real(fd, operation));
}

int
fcntl(int fd, int command, ...)
{
	REAL(fcntl);
	va_list args;
	void *value;

	va_start(args, command);
	value = va_arg(args, void *);
	va_end(args);
	if (command != F_SETLEASE)
		return real(fd, command, value);
	COUNTED(int, lease, fd, NULL, real(fd, command, value));
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	REAL(inotify_add_watch);

	COUNTED(int, inotify_add_watch, -1, path, real(fd, path, mask));
}

int
socketpair(int domain, int type, int protocol, int fds[2])
{
	REAL(socketpair);

	COUNTED(int, socketpair, -1, "", real(domain, type, protocol, fds));
}

static void
begin(const char *name, int fd, const char *path)
{
	if (!shim.is_armed)
		return;
	shim.calls++;
	if (shim.trace != NULL)
		note(shim.trace, name, fd, path);
	if (shim.before)
		end(name, fd, path);
}

static void
end(const char *name, int fd, const char *path)
{
	if (!shim.is_armed || shim.at == 0 || shim.calls != shim.at)
		return;
	if (shim.log != NULL)
		note(shim.log, name, fd, path);
	(void)kill(getpid(), SIGKILL);
}

/* "<nanoseconds> <number> <call> <path>", by system calls that are not
 * counted; errno stays. */
static void
note(const char *file, const char *name, int fd, const char *path)
{
	char line[LINE_SIZE], link[64], target[PATH_MAX];
	int saved = errno, out, size;
	struct timespec now;
	ssize_t length;

	if (path == NULL) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = readlink(link, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		path = target;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	size = snprintf(line, sizeof(line), "%lld%09ld %lu %s %s\n",
	    (long long)now.tv_sec, now.tv_nsec, shim.calls, name, path);
	out = (int)syscall(SYS_openat, AT_FDCWD, file,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out != -1) {
		(void)syscall(SYS_write, out, line, (size_t)size);
		(void)syscall(SYS_close, out);
	}
	errno = saved;
}

/* All in the spool is relative to its descriptor; the spool itself is the
 * one folder that is opened by its path. */
static bool
is_ours(int dirfd, const char *path)
{
	return dirfd != AT_FDCWD ||
	       (path[0] == '/' && strncmp(path, "/proc/", 6) != 0 &&
		   strncmp(path, "/etc/", 5) != 0);
}

static bool
is_socket(int fd)
{
	int saved = errno;
	struct stat st;
	bool is;

	is = shim.is_armed && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	errno = saved;
	return is;
}

/* Neither the log nor what is neither a file nor a socket. */
static bool
is_counted_fd(int fd)
{
	int saved = errno;
	struct stat st;
	bool is;

	is = shim.is_armed && fd > STDERR_FILENO && fstat(fd, &st) == 0 &&
	     (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
	errno = saved;
	return is;
}
