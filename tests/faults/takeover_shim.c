/*
 * Preloaded into a daemon: a process of it is taken over by its peer. At the
 * first byte that it would read from one, it tries the attack that the file
 * TAKEOVER_CONTROL asks for, and notes there what became of it. Then it goes
 * on, where it still can.
 *
 * Errors: without that file nothing is tried.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define BOMB_BYTES ((size_t)1 << 20)
#define BOMBS	   512
#define FILES	   200
#define GUESSES	   100

/* In the queue that it adds to. */
#define QUEUED "queue/pacs/new/stays"

/* In this order in test_takeover.py, too. */
enum outcome {
	NOT_TRIED,
	TRIES, /* it did not come back */
	FAILED,
	SUCCEEDED
};

struct control {
	atomic_int attack; /* from 1; 0: none is due */
	atomic_int outcome;
	int error;
	int port, sibling; /* of somebody else */
	char name[64];
	char spool[256], item[256], own_folder[256], key[256], outside[256];
	char association[64]; /* another one, that receives */
};

static struct control *control;

/* Where a parent maps what it tells its children: to write, and to read. */
static struct {
	void *written, *read;
	int fd;
} told = {.fd = -1};

ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);

static long
open_for(const char *path, int flags)
{
	return open(path, flags, 0600);
}

static long
in_spool(const char *path, int flags)
{
	char whole[512];

	(void)snprintf(whole, sizeof(whole), "%s/%s", control->spool, path);
	return open_for(whole, flags);
}

static long
of_parent(const char *file, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), file);
	return open_for(path, flags);
}

/* A descriptor of the folder that it was born with. */
static long
list_inherited(void)
{
	char entries[1024];
	int fd;

	for (fd = 3; fd < 600; fd++)
		if (syscall(SYS_getdents64, fd, entries, sizeof(entries)) > 0)
			return 0;
	return -1;
}

/* Its file has no name that a number could end. */
static long
guess_received(void)
{
	char path[256];
	int i;

	for (i = 0; i < GUESSES; i++) {
		(void)snprintf(
		    path, sizeof(path), "tmp/%s.%d", control->association, i);
		if (in_spool(path, O_RDONLY) != -1)
			return 0;
	}
	return -1;
}

/* What it may name, but not read, to where it reads. */
static long
read_by_link(const char *path)
{
	char from[512], to[512];

	(void)snprintf(from, sizeof(from), "%s/%s", control->spool, path);
	(void)snprintf(to, sizeof(to), "%s/tmp/attack", control->spool);
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == -1)
		return -1;
	return open_for(to, O_RDONLY);
}

static long
remove_queued(const char *path)
{
	char whole[512];

	(void)snprintf(whole, sizeof(whole), "%s/%s", control->spool, path);
	return unlinkat(AT_FDCWD, whole, 0);
}

static long
move_to(const char *to)
{
	char from[512], whole[512];
	int fd;

	(void)snprintf(from, sizeof(from), "%s/tmp/attack", control->spool);
	(void)snprintf(whole, sizeof(whole), "%s/%s", control->spool, to);
	fd = open(from, O_WRONLY | O_CREAT, 0600);
	if (fd == -1)
		return -1;
	(void)close(fd);
	if (renameat(AT_FDCWD, from, AT_FDCWD, whole) == 0)
		return 0;
	fd = errno;
	(void)unlinkat(AT_FDCWD, from, 0);
	errno = fd;
	return -1;
}

static long
connect_tcp(int flags)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
			       .sin_port = htons((uint16_t)control->port),
			       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			   peer;
	socklen_t size = sizeof(peer);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	if (flags != 0)
		(void)sendto(fd, "x", 1, flags | MSG_NOSIGNAL,
		    (struct sockaddr *)&to, sizeof(to));
	else if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		return -1;
	/* It may only say that it is connected. */
	return getpeername(fd, (struct sockaddr *)&peer, &size);
}

static long
listen_tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET}, is;
	socklen_t size = sizeof(is), value = sizeof(int);
	int fd = socket(AF_INET, SOCK_STREAM, 0), listens = 0;

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(fd, 1) == -1)
		return -1;
	(void)getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &value);
	(void)getsockname(fd, (struct sockaddr *)&is, &size);
	errno = EPERM;
	return listens != 0 || is.sin_port != 0 ? 0 : -1;
}

static long
memory_bomb(void)
{
	char *piece;
	int i;

	for (i = 0; i < BOMBS; i++) {
		piece = malloc(BOMB_BYTES);
		if (piece == NULL)
			return -1;
		(void)memset(piece, 1, BOMB_BYTES);
		__asm__ volatile("" : : "r"(piece) : "memory");
	}
	return 0;
}

static long
file_bomb(void)
{
	int fd[FILES], n = 0, error;
	long rc;

	do
		fd[n] = open(control->own_folder, O_RDONLY | O_DIRECTORY);
	while (fd[n] != -1 && ++n < FILES);
	rc = n == FILES ? 0 : -1;
	error = errno;
	while (n > 0) /* sanitizers need some to go on */
		(void)close(fd[--n]);
	errno = error;
	return rc;
}

static long
exec_shell(void)
{
	char *const arguments[] = {"sh", "-c", "exit 7", NULL};

	return execve("/bin/sh", arguments, arguments + 3);
}

static long
executable(int by_mprotect)
{
	void *page = mmap(NULL, 4096,
	    PROT_READ | PROT_WRITE | (by_mprotect ? 0 : PROT_EXEC),
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -1;
	return by_mprotect ? mprotect(page, 4096, PROT_READ | PROT_EXEC) : 0;
}

static long
use_option(void)
{
	int fd = 3, type;
	socklen_t size = sizeof(type);

	for (; fd < 64; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
			return setsockopt(
			    fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls"));
	return -1;
}

#define ATTACKS                                                                \
	A("read another item", open_for(control->item, O_RDONLY))              \
	A("write to another item", open_for(control->item, O_WRONLY))          \
	A("truncate another item", truncate(control->item, 0))                 \
	A("remove another item", unlink(control->item))                        \
	A("list the spool", in_spool("", O_RDONLY | O_DIRECTORY))              \
	A("list the queues", in_spool("queue", O_RDONLY | O_DIRECTORY))        \
	A("list another queue",                                                \
	    in_spool("queue/other/hold", O_RDONLY | O_DIRECTORY))              \
	A("list the associations", in_spool("result", O_RDONLY | O_DIRECTORY)) \
	A("list what is being received",                                       \
	    in_spool("tmp", O_RDONLY | O_DIRECTORY))                           \
	A("list by inherited descriptors", list_inherited())                   \
	A("open what another one receives", guess_received())                  \
	A("read a queued item by a link", read_by_link(QUEUED))                \
	A("replace a queued item", move_to(QUEUED))                            \
	A("remove a queued item", remove_queued(QUEUED))                       \
	A("read another link record", in_spool("queue/other/down", O_RDONLY))  \
	A("read another's marker", in_spool("result/1-1/1.other", O_RDONLY))   \
	A("read /etc/passwd", open_for("/etc/passwd", O_RDONLY))               \
	A("read the private key", open_for(control->key, O_RDONLY))            \
	A("read memory of the parent", of_parent("mem", O_RDWR))               \
	A("read the parent's environment", of_parent("environ", O_RDONLY))     \
	A("open its own memory", open_for("/proc/self/mem", O_RDWR))           \
	A("write /proc/self/oom_score_adj",                                    \
	    open_for("/proc/self/oom_score_adj", O_WRONLY))                    \
	A("create beside the spool",                                           \
	    open_for(control->outside, O_WRONLY | O_CREAT))                    \
	A("create in the spool", in_spool("attack", O_WRONLY | O_CREAT))       \
	A("create in another queue",                                           \
	    in_spool("queue/other/new/attack.dcm", O_WRONLY | O_CREAT))        \
	A("pause a destination by a file",                                     \
	    in_spool("queue/pacs/paused", O_WRONLY | O_CREAT))                 \
	A("pause a destination by renaming", move_to("queue/pacs/paused"))     \
	A("forge a record", move_to("queue/pacs/result/attack"))               \
	A("write to version", in_spool("version", O_WRONLY))                   \
	A("make a folder", mkdir(control->outside, 0700))                      \
	A("make a link", symlink("/etc", control->outside))                    \
	A("make a pipe", mknod(control->outside, S_IFIFO | 0600, 0))           \
	A("change a mode", chmod(control->spool, 0777))                        \
	A("change an owner", chown(control->spool, 0, 0))                      \
	A("set an attribute", setxattr(control->spool, "user.a", "b", 1, 0))   \
	A("connect", connect_tcp(0))                                           \
	A("connect by sending", connect_tcp(MSG_FASTOPEN))                     \
	A("listen", listen_tcp())                                              \
	A("a UDP socket", socket(AF_INET6, SOCK_DGRAM, 0))                     \
	A("a raw socket", socket(AF_PACKET, SOCK_RAW, 0))                      \
	A("a unix socket", socket(AF_UNIX, SOCK_STREAM, 0))                    \
	A("a netlink socket", socket(AF_NETLINK, SOCK_RAW, 0))                 \
	A("a socket pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair))          \
	A("a protocol on its socket", use_option())                            \
	A("execve", exec_shell())                                              \
	A("fork", (long)syscall(SYS_fork))                                     \
	A("clone", (long)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))              \
	A("clone3", (long)syscall(SYS_clone3, NULL, 0))                        \
	A("trace the parent", ptrace(PTRACE_SEIZE, getppid(), 0, 0))           \
	A("trace a sibling", ptrace(PTRACE_SEIZE, control->sibling, 0, 0))     \
	A("signal the parent", kill(getppid(), 0))                             \
	A("signal a sibling", kill(control->sibling, 0))                       \
	A("signal a thread of the parent",                                     \
	    (long)syscall(SYS_tgkill, getppid(), getppid(), 0))                \
	A("process_vm_readv",                                                  \
	    (long)syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0))     \
	A("pidfd_open", (long)syscall(SYS_pidfd_open, getppid(), 0))           \
	A("mount", mount("none", "/mnt", "tmpfs", 0, ""))                      \
	A("unshare", unshare(CLONE_NEWUSER))                                   \
	A("setuid", setuid(0))                                                 \
	A("setgid", setgid(0))                                                 \
	A("chroot", chroot("/"))                                               \
	A("bpf", (long)syscall(SYS_bpf, 0, NULL, 0))                           \
	A("perf_event_open",                                                   \
	    (long)syscall(SYS_perf_event_open, 0, 0, 0, 0, 0))                 \
	A("keyctl", (long)syscall(SYS_keyctl, 0, -3, 1))                       \
	A("userfaultfd", (long)syscall(SYS_userfaultfd, 0))                    \
	A("io_uring_setup", (long)syscall(SYS_io_uring_setup, 1, NULL))        \
	A("memfd_create", memfd_create("a", 0))                                \
	A("mmap for execution", executable(0))                                 \
	A("mprotect for execution", executable(1))                             \
	A("raise a limit", setrlimit(RLIMIT_NOFILE, &many))                    \
	A("a memory bomb", memory_bomb())                                      \
	A("a descriptor bomb", file_bomb())                                    \
	A("write what the parent tells",                                       \
	    mprotect(told.read, 4096, PROT_READ | PROT_WRITE))                 \
	A("write it where the parent does",                                    \
	    told.read == NULL ? -1 : madvise(told.written, 4096, MADV_NORMAL)) \
	A("an inotify elsewhere", inotify_init1(0))                            \
	A("openat2", (long)syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0))       \
	A("open_by_handle_at",                                                 \
	    (long)syscall(SYS_open_by_handle_at, 3, NULL, 0))                  \
	A("shared memory of System V",                                         \
	    (long)syscall(SYS_shmget, 0, 4096, 0600))                          \
	A("prctl", (long)syscall(SYS_prctl, 4, 1, 0, 0, 0))                    \
	A("a 32-bit system call", call_32_bit())

#ifdef __x86_64__
/* getpid(2) by the numbers of i386: one's filter may forget them. */
static long
call_32_bit(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	return result > 0 ? 0 : -1;
}
#else
static long
call_32_bit(void)
{
	errno = ENOSYS;
	return -1;
}
#endif

static void
attack(int number)
{
	const struct rlimit many = {4096, 4096};
	int pair[2], i = 0;
	long rc = -1;

#define A(name_, call)                                                         \
	if (++i == number) {                                                   \
		(void)strcpy(control->name, name_);                            \
		atomic_store(&control->outcome, TRIES);                        \
		errno = 0;                                                     \
		rc = (call);                                                   \
	}
	ATTACKS
#undef A
	if (number > i)
		return;
	control->error = errno;
	atomic_store(&control->outcome, rc == -1 ? FAILED : SUCCEEDED);
}

__attribute__((constructor)) static void
start(void)
{
	const char *file = getenv("TAKEOVER_CONTROL");
	void *page;
	int fd;

	fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	page = mmap(
	    NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (page != MAP_FAILED)
		control = page;
}

void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *(*next)(void *, size_t, int, int, int, off_t);
	void *memory;

	*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	memory = next(at, size, protection, flags, fd, offset);
	if (memory == MAP_FAILED || fd == -1 || (flags & MAP_SHARED) == 0)
		return memory;
	if (protection == PROT_READ && fd == told.fd)
		told.read = memory;
	else if (told.read == NULL) {
		told.written = memory;
		told.fd = fd;
	}
	return memory;
}

static void
take_over(int fd)
{
	socklen_t size = sizeof(int);
	int protocol = 0, number;

	if (control == NULL ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == -1 ||
	    protocol != IPPROTO_TCP)
		return;
	number = atomic_exchange(&control->attack, 0);
	if (number != 0)
		attack(number);
}

ssize_t
recv(int fd, void *data, size_t size, int flags)
{
	ssize_t (*next)(int, void *, size_t, int);

	take_over(fd);
	*(void **)&next = dlsym(RTLD_NEXT, "recv");
	return next(fd, data, size, flags);
}

ssize_t
__recv_chk(int fd, void *data, size_t size, size_t room, int flags)
{
	ssize_t (*next)(int, void *, size_t, size_t, int);

	take_over(fd);
	*(void **)&next = dlsym(RTLD_NEXT, "__recv_chk");
	return next(fd, data, size, room, flags);
}
