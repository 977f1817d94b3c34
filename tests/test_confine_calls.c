/*
 * The system calls of a confined process: each number that there is, and those
 * whose arguments matter, as the kernel decides.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"
#include "test_confined.h"

#define NUMBERS 480 /* and some that no kernel has yet */
#define BOTH	(1u << CONFINE_ASSOCIATION | 1u << CONFINE_LANE)
#define CHILD	(1u << CONFINE_ASSOCIATION)
#define LANE	(1u << CONFINE_LANE)

/* Whatever their arguments are. */
static const struct {
	const char *name;
	unsigned roles;
	enum test_fate fate; /* FATE_DONE: the kernel looks at it */
} known[] = {
    {"recvfrom", BOTH, FATE_DONE},
    {"recvmsg", BOTH, FATE_DONE},
    {"sendto", CHILD, FATE_DONE},
    {"sendmsg", CHILD, FATE_DONE},
    {"poll", BOTH, FATE_DONE},
    {"shutdown", BOTH, FATE_DONE},
    {"getsockopt", BOTH, FATE_DONE},
    {"getsockname", BOTH, FATE_DONE},
    {"getpeername", BOTH, FATE_DONE},
    {"openat", BOTH, FATE_DONE},
    {"read", BOTH, FATE_DONE},
    {"pread64", BOTH, FATE_DONE},
    {"write", BOTH, FATE_DONE},
    {"writev", BOTH, FATE_DONE},
    {"pwrite64", CHILD, FATE_DONE},
    {"lseek", BOTH, FATE_DONE},
    {"fsync", BOTH, FATE_DONE},
    {"ftruncate", CHILD, FATE_DONE},
    {"newfstatat", BOTH, FATE_DONE},
    {"fstat", BOTH, FATE_DONE},
    {"faccessat", BOTH, FATE_DONE},
    {"faccessat2", BOTH, FATE_DONE},
    {"linkat", CHILD, FATE_DONE},
    {"renameat", BOTH, FATE_DONE},
    {"renameat2", CHILD, FATE_DONE},
    {"unlinkat", BOTH, FATE_DONE},
    {"mkdirat", CHILD, FATE_DONE},
    {"fstatfs", CHILD, FATE_DONE},
    {"close", BOTH, FATE_DONE},
    {"dup3", LANE, FATE_DONE},
    {"flock", CHILD, FATE_DONE},
    {"munmap", BOTH, FATE_DONE},
    {"mremap", BOTH, FATE_DONE},
    {"brk", BOTH, FATE_DONE},
    {"madvise", BOTH, FATE_DONE},
    {"exit", BOTH, FATE_DONE},
    {"exit_group", BOTH, FATE_DONE},
    {"getpid", BOTH, FATE_DONE},
    {"gettid", BOTH, FATE_DONE},
    {"getppid", BOTH, FATE_DONE},
    {"getuid", BOTH, FATE_DONE},
    {"geteuid", BOTH, FATE_DONE},
    {"clock_gettime", BOTH, FATE_DONE},
    {"gettimeofday", BOTH, FATE_DONE},
    {"clock_nanosleep", BOTH, FATE_DONE},
    {"nanosleep", BOTH, FATE_DONE},
    {"restart_syscall", BOTH, FATE_DONE},
    {"sched_yield", BOTH, FATE_DONE},
    {"sysinfo", BOTH, FATE_DONE},
    {"getrandom", BOTH, FATE_DONE},
    {"rt_sigaction", BOTH, FATE_DONE},
    {"rt_sigprocmask", BOTH, FATE_DONE},
    {"rt_sigreturn", BOTH, FATE_DONE},
    {"socket", CHILD, FATE_REFUSED},
    {"connect", CHILD, FATE_REFUSED},
    {"tgkill", BOTH, FATE_REFUSED},
    {"readlink", BOTH, FATE_REFUSED},
    {"access", BOTH, FATE_REFUSED},
    {"prlimit64", BOTH, FATE_REFUSED},
    {"sched_getaffinity", BOTH, FATE_REFUSED},
    {"uname", BOTH, FATE_REFUSED},
    /* They only say that they did it. */
    {"connect", LANE, FATE_DONE},
    {"bind", LANE, FATE_DONE},
    {"listen", LANE, FATE_DONE},
#ifdef __SANITIZE_ADDRESS__
    {"pipe2", BOTH, FATE_DONE},
    {"sigaltstack", BOTH, FATE_DONE},
    {"getrusage", BOTH, FATE_DONE},
    {"ioctl", BOTH, FATE_REFUSED},
    {"open", BOTH, FATE_REFUSED},
#endif
};

static enum test_fate
expected_of(int number, enum confine_role role)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((known[i].roles & 1u << role) != 0 &&
		    seccomp_syscall_resolve_name(known[i].name) == number)
			return known[i].fate;
	return FATE_KILLED;
}

/* Newer kernels ask no filter about uretprobe and uprobe, which do nothing
 * where there is no probe. */
static bool
is_of_probes(int number)
{
#ifdef __x86_64__
	return number == 335 || number == 336;
#else
	return number < 0;
#endif
}

/* None of these arguments is good for anything. */
static long
call(const void *context)
{
	const int *number = context;

	return syscall(*number, -1L, -1L, -1L, -1L, -1L, -1L);
}

static void
every_number_in_turn(void)
{
	static const char *const roles[] = {"child", "lane"};
	struct test_confined confined = {.root_fd = AT_FDCWD};
	enum test_fate fate, expected;
	char what[128], *name;
	int role, number;

	for (role = CONFINE_ASSOCIATION; role <= CONFINE_LANE; role++)
		for (number = 0; number < NUMBERS; number++) {
			confined.role = (enum confine_role)role;
			fate = test_confined_try(&confined, call, &number);
			if (fate != FATE_REFUSED && fate != FATE_KILLED)
				fate = FATE_DONE; /* it came to the kernel */
			expected = expected_of(number, confined.role);
			if (is_of_probes(number) && fate == FATE_DONE)
				continue;
			name = seccomp_syscall_resolve_num_arch(
			    SCMP_ARCH_NATIVE, number);
			(void)snprintf(what, sizeof(what),
			    "%s of a %s is %s, not %s",
			    name == NULL ? "?" : name, roles[role],
			    test_fate_name(fate), test_fate_name(expected));
			free(name);
			TEST_ROW(fate == expected, what);
		}
}

/* Those whose arguments matter. */
struct row {
	const char *what;
	int call;
	long argument[4];
	enum test_fate child, lane;
};

static long
call_row(const void *context)
{
	const struct row *row = context;

	return syscall(row->call, row->argument[0], row->argument[1],
	    row->argument[2], row->argument[3], -1, 0);
}

#define PRIVATE	      (MAP_PRIVATE | MAP_ANONYMOUS)
#define OPTION(a, b)  {-1, a, b, 0}, FATE_FAILED, FATE_FAILED
#define EVIL(a, b)    {-1, a, b, 0}, FATE_KILLED, FATE_KILLED
#define COMMAND(a)    {-1, a, 0, 0}, FATE_FAILED, FATE_FAILED
#define NO_COMMAND(a) {-1, a, 0, 0}, FATE_KILLED, FATE_KILLED

/* clang-format off */
static const struct row rows[] = {
    {"mmap", SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, PRIVATE},
	FATE_DONE, FATE_DONE},
    {"mmap to execute", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, PRIVATE},
	FATE_KILLED, FATE_KILLED},
    {"mmap to execute and write", SYS_mmap,
	{0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, PRIVATE},
	FATE_KILLED, FATE_KILLED},
    {"mprotect", SYS_mprotect, {-4096, 4096, PROT_READ, 0},
	FATE_FAILED, FATE_FAILED},
    {"mprotect to execute", SYS_mprotect, {-4096, 4096, PROT_EXEC, 0},
	FATE_KILLED, FATE_KILLED},
    {"list a folder of its own", SYS_getdents64, {CONFINE_UNLISTED_FD - 1, 0,
	0, 0}, FATE_FAILED, FATE_FAILED},
    {"list one that was open", SYS_getdents64, {CONFINE_UNLISTED_FD, 0, 0, 0},
	FATE_KILLED, FATE_KILLED},
    {"list by a sign", SYS_getdents64, {-1, 0, 0, 0},
	FATE_KILLED, FATE_KILLED},
    {"list by the upper half", SYS_getdents64, {3L << 32, 0, 0, 0},
	FATE_KILLED, FATE_KILLED},
    {"send", SYS_sendto, {-1, 0, 0, MSG_NOSIGNAL}, FATE_FAILED, FATE_FAILED},
    {"send to an address", SYS_sendto, {-1, 0, 0, MSG_FASTOPEN},
	FATE_FAILED, FATE_KILLED},
    {"sendmsg", SYS_sendmsg, {-1, 0, MSG_NOSIGNAL, 0},
	FATE_FAILED, FATE_FAILED},
    {"sendmsg to an address", SYS_sendmsg, {-1, 0, MSG_FASTOPEN, 0},
	FATE_FAILED, FATE_KILLED},
    {"an IPv4 socket", SYS_socket, {AF_INET, SOCK_STREAM, 0, 0},
	FATE_REFUSED, FATE_DONE},
    {"an IPv6 socket", SYS_socket, {AF_INET6, SOCK_STREAM, 0, 0},
	FATE_REFUSED, FATE_KILLED},
    {"a unix socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0, 0},
	FATE_REFUSED, FATE_KILLED},
    {"a packet socket", SYS_socket, {AF_PACKET, SOCK_RAW, 0, 0},
	FATE_REFUSED, FATE_KILLED},
    {"TCP_QUICKACK", SYS_setsockopt, OPTION(IPPROTO_TCP, TCP_QUICKACK)},
    {"TCP_NODELAY", SYS_setsockopt, OPTION(IPPROTO_TCP, TCP_NODELAY)},
    {"SO_RCVLOWAT", SYS_setsockopt, OPTION(SOL_SOCKET, SO_RCVLOWAT)},
    {"SO_KEEPALIVE", SYS_setsockopt, OPTION(SOL_SOCKET, SO_KEEPALIVE)},
    {"SO_LINGER", SYS_setsockopt, OPTION(SOL_SOCKET, SO_LINGER)},
    {"SO_REUSEADDR", SYS_setsockopt, OPTION(SOL_SOCKET, SO_REUSEADDR)},
    {"SO_SNDBUF", SYS_setsockopt, OPTION(SOL_SOCKET, SO_SNDBUF)},
    {"SO_RCVBUF", SYS_setsockopt, OPTION(SOL_SOCKET, SO_RCVBUF)},
    {"SO_SNDTIMEO", SYS_setsockopt, OPTION(SOL_SOCKET, SO_SNDTIMEO)},
    {"SO_RCVTIMEO", SYS_setsockopt, OPTION(SOL_SOCKET, SO_RCVTIMEO)},
    {"TCP_ULP", SYS_setsockopt, EVIL(IPPROTO_TCP, TCP_ULP)},
    {"TCP_REPAIR", SYS_setsockopt, EVIL(IPPROTO_TCP, TCP_REPAIR)},
    {"SO_ATTACH_FILTER", SYS_setsockopt, EVIL(SOL_SOCKET, SO_ATTACH_FILTER)},
    {"SO_BINDTODEVICE", SYS_setsockopt, EVIL(SOL_SOCKET, SO_BINDTODEVICE)},
    {"an option of another level", SYS_setsockopt,
	EVIL(IPPROTO_IP, TCP_NODELAY)},
    {"F_GETFL", SYS_fcntl, COMMAND(F_GETFL)},
    {"F_SETFL", SYS_fcntl, COMMAND(F_SETFL)},
    {"F_GETFD", SYS_fcntl, COMMAND(F_GETFD)},
    {"F_SETFD", SYS_fcntl, COMMAND(F_SETFD)},
    {"F_SETLKW", SYS_fcntl, {-1, F_SETLKW, 0, 0}, FATE_FAILED, FATE_KILLED},
    {"F_SETLEASE", SYS_fcntl, {-1, F_SETLEASE, 0, 0}, FATE_KILLED,
	FATE_FAILED},
    {"F_DUPFD", SYS_fcntl, NO_COMMAND(F_DUPFD)},
    {"F_SETOWN", SYS_fcntl, NO_COMMAND(F_SETOWN)},
    {"F_NOTIFY", SYS_fcntl, NO_COMMAND(F_NOTIFY)},
    {"F_ADD_SEALS", SYS_fcntl, NO_COMMAND(F_ADD_SEALS)},
    {"wake threads of its own", SYS_futex, {0, FUTEX_WAKE_PRIVATE, 1, 0},
	FATE_DONE, FATE_DONE},
    {"wake those of others", SYS_futex, {0, FUTEX_WAKE, 1, 0},
	FATE_KILLED, FATE_KILLED},
    {"futex to wait", SYS_futex, {0, FUTEX_WAIT_PRIVATE, 1, 0},
	FATE_KILLED, FATE_KILLED},
};
/* clang-format on */

static void
arguments_that_matter(void)
{
	struct test_confined confined = {.root_fd = AT_FDCWD};
	enum test_fate expected, fate;
	char what[128];
	int role;
	size_t i;

	for (role = CONFINE_ASSOCIATION; role <= CONFINE_LANE; role++)
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			confined.role = (enum confine_role)role;
			expected =
			    role == CONFINE_LANE ? rows[i].lane : rows[i].child;
			fate = test_confined_try(&confined, call_row, &rows[i]);
			(void)snprintf(what, sizeof(what), "%d: %s: %s, not %s",
			    role, rows[i].what, test_fate_name(fate),
			    test_fate_name(expected));
			TEST_ROW(fate == expected, what);
		}
}

#ifdef __x86_64__
/* getpid(2) by the number that i386 has for it, and by x32's. */
static long
call_as_i386(const void *context)
{
	long result;

	(void)context;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	return result;
}

static long
call_as_x32(const void *context)
{
	(void)context;
	return syscall(0x40000000 | SYS_getpid);
}

static void
other_architectures(void)
{
	const struct test_confined confined = {.root_fd = AT_FDCWD};

	CU_ASSERT_EQUAL(
	    test_confined_try(&confined, call_as_i386, NULL), FATE_KILLED);
	CU_ASSERT_EQUAL(
	    test_confined_try(&confined, call_as_x32, NULL), FATE_KILLED);
}
#endif

static const struct test_case cases[] = {
    {"each number: looked at, refused, or the end", every_number_in_turn},
    {"by arguments", arguments_that_matter},
#ifdef __x86_64__
    {"numbers of other architectures", other_architectures},
#endif
    {0},
};

TEST_SUITE(confine_calls, cases)
