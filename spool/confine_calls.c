/*
 * The system calls of a confined process, found by tracing the tests: all
 * others kill it, but for those that a library tries and does without. A
 * binary tree of them (SCMP_FLTATR_CTL_OPTIMIZE) or another order is no faster,
 * as the kernel knows which are allowed in any case, and runs no filter then.
 *
 * Errors: ERR_TEMPORARY where there is no memory, ERR_BUG for a filter that
 * libseccomp does not take.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine_private.h"
#include "fs.h"

#define BOTH		 (1u << CONFINE_ASSOCIATION | 1u << CONFINE_LANE)
#define ASSOCIATION_ONLY (1u << CONFINE_ASSOCIATION)
#define LANE_ONLY	 (1u << CONFINE_LANE)

#define SEEMS_OK SCMP_ACT_ERRNO(0)
#define REFUSED	 SCMP_ACT_ERRNO(EPERM)

/* A call, and what one of its arguments has to be: masked equal. */
struct rule {
	int call;
	unsigned roles;
	uint32_t action;
	int argument; /* from 1; 0: any */
	uint64_t mask, value;
	int argument2; /* and this one */
	uint64_t value2;
};

#define ALLOW(name, roles)                                                     \
	{                                                                      \
		SCMP_SYS(name), roles, SCMP_ACT_ALLOW, 0, 0, 0, 0, 0           \
	}
#define ALLOW_IF(name, roles, argument, mask, value)                           \
	{                                                                      \
		SCMP_SYS(name), roles, SCMP_ACT_ALLOW, argument, mask, value,  \
		    0, 0                                                       \
	}
#define ALLOW_OPTION(level, option)                                            \
	{                                                                      \
		SCMP_SYS(setsockopt), BOTH, SCMP_ACT_ALLOW, 2, ~(uint64_t)0,   \
		    level, 3, option                                           \
	}
#define ANSWER(name, roles, action)                                            \
	{                                                                      \
		SCMP_SYS(name), roles, action, 0, 0, 0, 0, 0                   \
	}

/* clang-format off */
static const struct rule table[] = {
    /* the hot ones first */
    ALLOW(recvfrom, BOTH),
    ALLOW(poll, BOTH),
    ALLOW(recvmsg, BOTH), /* what the parent passes */
    ALLOW(write, BOTH),
    ALLOW(pread64, BOTH),
    ALLOW(close, BOTH),
    ALLOW(openat, BOTH), /* Landlock says what */
    ALLOW(fsync, BOTH),
    ALLOW(renameat, BOTH),
    ALLOW(unlinkat, BOTH),
    ALLOW(newfstatat, BOTH),
    ALLOW(fstat, BOTH),
    ALLOW(faccessat, BOTH), /* of the name alone */
    ALLOW(faccessat2, BOTH),
    ALLOW(read, BOTH),
    ALLOW(writev, BOTH),
    ALLOW(renameat2, ASSOCIATION_ONLY),
    ALLOW(linkat, ASSOCIATION_ONLY),
    ALLOW(mkdirat, ASSOCIATION_ONLY), /* nowhere: but it is no attack */
    ALLOW(pwrite64, ASSOCIATION_ONLY),
    ALLOW(ftruncate, ASSOCIATION_ONLY), /* what is given back */
    ALLOW(flock, ASSOCIATION_ONLY),	/* does a sender run? */
    ALLOW(fstatfs, ASSOCIATION_ONLY),
    ALLOW(getpeername, BOTH),
    ALLOW(getsockname, BOTH),
    ALLOW(getsockopt, BOTH),
    ALLOW(shutdown, BOTH),
    /* pthread_once(3), in OpenSSL */
    ALLOW_IF(futex, BOTH, 2, ~(uint64_t)0, FUTEX_WAKE_PRIVATE),
    ALLOW(lseek, BOTH),

    /* The lane has one socket that DCMTK makes and that is connected to
     * nothing: it must not become so by sending. */
    ALLOW(sendmsg, ASSOCIATION_ONLY),
    ALLOW(sendto, ASSOCIATION_ONLY),
    ALLOW_IF(sendmsg, LANE_ONLY, 3, MSG_FASTOPEN, 0),
    ALLOW_IF(sendto, LANE_ONLY, 4, MSG_FASTOPEN, 0),
    ALLOW(dup3, LANE_ONLY),    /* in place of DCMTK's own */
    ALLOW_IF(socket, LANE_ONLY, 1, ~(uint64_t)0, AF_INET),
    ANSWER(connect, LANE_ONLY, SEEMS_OK),
    ANSWER(bind, LANE_ONLY, SEEMS_OK),
    ANSWER(listen, LANE_ONLY, SEEMS_OK),

    ALLOW_OPTION(IPPROTO_TCP, TCP_QUICKACK),
    ALLOW_OPTION(IPPROTO_TCP, TCP_NODELAY),
    ALLOW_OPTION(SOL_SOCKET, SO_RCVLOWAT),
    ALLOW_OPTION(SOL_SOCKET, SO_KEEPALIVE),
    ALLOW_OPTION(SOL_SOCKET, SO_LINGER),
    ALLOW_OPTION(SOL_SOCKET, SO_REUSEADDR),
    ALLOW_OPTION(SOL_SOCKET, SO_SNDBUF),
    ALLOW_OPTION(SOL_SOCKET, SO_RCVBUF),
    ALLOW_OPTION(SOL_SOCKET, SO_SNDTIMEO),
    ALLOW_OPTION(SOL_SOCKET, SO_RCVTIMEO),

    ALLOW_IF(fcntl, BOTH, 2, ~(uint64_t)0, F_GETFL),
    ALLOW_IF(fcntl, BOTH, 2, ~(uint64_t)0, F_SETFL),
    ALLOW_IF(fcntl, BOTH, 2, ~(uint64_t)0, F_GETFD),
    ALLOW_IF(fcntl, BOTH, 2, ~(uint64_t)0, F_SETFD),
    ALLOW_IF(fcntl, ASSOCIATION_ONLY, 2, ~(uint64_t)0, F_SETLKW), /* by UID */
    ALLOW_IF(fcntl, LANE_ONLY, 2, ~(uint64_t)0, F_SETLEASE),

    /* memory: none that can be executed */
    ALLOW_IF(mmap, BOTH, 3, PROT_EXEC, 0),
    ALLOW_IF(mprotect, BOTH, 3, PROT_EXEC, 0),
    ALLOW(munmap, BOTH),
    ALLOW(mremap, BOTH),
    ALLOW(brk, BOTH),
    ALLOW(madvise, BOTH),
    ALLOW(getrandom, BOTH),

    /* itself */
    ALLOW(exit, BOTH),
    ALLOW(exit_group, BOTH),
    ALLOW(getpid, BOTH),
    ALLOW(gettid, BOTH),
    ALLOW(getppid, BOTH),
    ALLOW(getuid, BOTH),
    ALLOW(geteuid, BOTH),
    ALLOW(clock_gettime, BOTH), /* where the vDSO has none */
    ALLOW(gettimeofday, BOTH),
    ALLOW(clock_nanosleep, BOTH),
    ALLOW(nanosleep, BOTH),
    ALLOW(restart_syscall, BOTH),
    ALLOW(sched_yield, BOTH),
    ALLOW(sysinfo, BOTH), /* qsort(3) */
    ALLOW(rt_sigaction, BOTH),
    ALLOW(rt_sigprocmask, BOTH),
    ALLOW(rt_sigreturn, BOTH),

    /* syslog(3) tries anew where its socket has gone */
    ANSWER(connect, ASSOCIATION_ONLY, REFUSED),
    ANSWER(socket, ASSOCIATION_ONLY, REFUSED),
    /* abort(3): it ends by another signal then */
    ANSWER(tgkill, BOTH, REFUSED),
    ANSWER(readlink, BOTH, REFUSED),
    ANSWER(access, BOTH, REFUSED),
    ANSWER(prlimit64, BOTH, REFUSED),
    ANSWER(sched_getaffinity, BOTH, REFUSED),
    ANSWER(uname, BOTH, REFUSED),
#ifdef __SANITIZE_ADDRESS__ /* so that it can say what it found */
    ALLOW(pipe2, BOTH), /* may an address be read? */
    ALLOW(sigaltstack, BOTH),
    ALLOW(getrusage, BOTH),
    ANSWER(ioctl, BOTH, REFUSED), /* is it a terminal? */
    ANSWER(open, BOTH, REFUSED),  /* names for addresses */
#endif
};
/* clang-format on */

static int add(scmp_filter_ctx filter, const struct rule *rule);
static int export(
    scmp_filter_ctx filter, struct sock_fprog *program, struct err *err);

int
confine_calls_compile(
    enum confine_role role, struct sock_fprog *program, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	size_t i;
	int rc = -1;

	if (filter == NULL)
		return err_set(err, ERR_TEMPORARY, "seccomp: no memory");
	if (seccomp_attr_set(
		filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
	    /* Directories that were open before are not to be listed. */
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(getdents64), 1,
		SCMP_A0(SCMP_CMP_LT, CONFINE_UNLISTED_FD)) != 0)
		goto out;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((table[i].roles & 1u << role) != 0 &&
		    add(filter, &table[i]) != 0)
			goto out;
	rc = 0;
out:
	if (rc == -1)
		(void)err_set(err, ERR_BUG, "seccomp: a rule is not taken");
	else
		rc = export(filter, program, err);
	seccomp_release(filter);
	return rc;
}

static int
add(scmp_filter_ctx filter, const struct rule *rule)
{
	struct scmp_arg_cmp compare[2] = {
	    {(unsigned)rule->argument - 1, SCMP_CMP_MASKED_EQ, rule->mask,
		rule->value},
	    {(unsigned)rule->argument2 - 1, SCMP_CMP_EQ, rule->value2, 0},
	};
	unsigned n =
	    (rule->argument != 0 ? 1u : 0u) + (rule->argument2 != 0 ? 1u : 0u);

	return seccomp_rule_add_array(
	    filter, rule->action, rule->call, n, compare);
}

static int export(
    scmp_filter_ctx filter, struct sock_fprog *program, struct err *err)
{
	struct stat st;
	int fd, rc = -1;

	fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "seccomp: make room for the filter");
	if (seccomp_export_bpf(filter, fd) != 0 || fstat(fd, &st) == -1) {
		(void)err_set(err, ERR_BUG, "seccomp: the filter is no good");
		goto out;
	}
	program->len =
	    (unsigned short)((size_t)st.st_size / sizeof(*program->filter));
	program->filter = malloc((size_t)st.st_size);
	if (program->filter == NULL)
		(void)err_sys(err, "seccomp: get memory");
	else if (fs_pread(fd, program->filter, (size_t)st.st_size, 0,
		     "the filter", err) == st.st_size)
		rc = 0;
out:
	(void)close(fd);
	return rc;
}
