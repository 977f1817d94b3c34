/*
 * Confinement, in the order in which it is done: capabilities and limits,
 * files, system calls.
 *
 * Errors: as the system calls; what the kernel has not got is no error.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine_private.h"
#include "fs.h"
#include "log.h"

#define LANDLOCK_MIN	    2 /* since it lets files be moved */
#define LANDLOCK_NO_NETWORK 3
#define FILES_MAX	    64
#define MORE_BYTES	    ((rlim_t)64 << 20) /* than it had before */

struct confine {
	enum confine_role role;
	struct sock_fprog filter;
	bool has_seccomp;
	int landlock; /* version, 0: none */
};

static bool kills_processes(void);
static int landlock_of(const struct confine *confine);
static int give_up_capabilities(struct err *err);
static int limit(int resource, rlim_t most, const char *what, struct err *err);
static int limit_memory(struct err *err);

struct confine *
confine_create(enum confine_role role, struct err *err)
{
	struct confine *confine = calloc(1, sizeof(*confine));

	if (confine == NULL) {
		(void)err_sys(err, "get memory for a filter");
		return NULL;
	}
	confine->has_seccomp = kills_processes();
	confine->landlock = confine_landlock_abi();
	confine->role = role;
	/* Where there is no seccomp libseccomp makes no filter either. */
	if (!confine->has_seccomp ||
	    confine_calls_compile(role, &confine->filter, err) == 0)
		return confine;
	confine_free(confine);
	return NULL;
}

void
confine_free(struct confine *confine)
{
	if (confine == NULL)
		return;
	free(confine->filter.filter);
	free(confine);
}

void
confine_report(const struct confine *confine)
{
	static const struct {
		int since;
		const char *lacks, *consequence;
	} table[] = {
	    {LANDLOCK_MIN, "Landlock 2 (Linux 5.19)",
		"a peer that takes over a process can open what the user can"},
	    {4, "Landlock 4 (Linux 6.7)", "TCP is forbidden by seccomp alone"},
	    {6, "Landlock 6 (Linux 6.12)",
		"signals are forbidden by seccomp alone"},
	};
	size_t i;

	if (!confine->has_seccomp)
		LOG(LOG_LEVEL_WARNING, "not-confined",
		    LOG_STR("lacks", "seccomp"),
		    LOG_STR("consequence", "a peer that takes over a process "
					   "can make any system call"));
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (confine->landlock < table[i].since)
			LOG(table[i].since == LANDLOCK_MIN ? LOG_LEVEL_WARNING
							   : LOG_LEVEL_INFO,
			    "not-confined", LOG_STR("lacks", table[i].lacks),
			    LOG_STR("consequence", table[i].consequence));
}

int
confine_raise_fd(int *fd, struct err *err)
{
	int raised;

	if (*fd >= CONFINE_UNLISTED_FD)
		return 0;
	raised = fcntl(*fd, F_DUPFD_CLOEXEC, CONFINE_UNLISTED_FD);
	if (raised == -1)
		return err_sys(err, "get a descriptor above %d (ulimit -n)",
		    CONFINE_UNLISTED_FD);
	(void)close(*fd);
	*fd = raised;
	return 0;
}

int
confine_enter(const struct confine *confine, int root_fd,
    const struct confine_folder *folders, size_t n, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "set no_new_privs");
	if (give_up_capabilities(err) == -1 || limit_memory(err) == -1 ||
	    limit(RLIMIT_CORE, 0, "core files", err) == -1 ||
	    limit(RLIMIT_NPROC, 0, "processes", err) == -1 ||
	    limit(RLIMIT_NOFILE, FILES_MAX, "descriptors", err) == -1)
		return -1;
	if (confine->landlock >= LANDLOCK_MIN &&
	    confine_landlock_enter(
		landlock_of(confine), root_fd, folders, n, err) == -1)
		return -1;
	if (confine->has_seccomp &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		&confine->filter) == -1)
		return err_sys(err, "install the system call filter");
	return 0;
}

static bool
kills_processes(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* DCMTK has a lane listen, which with seccomp only seems to be done: without
 * it, it has to be possible. */
static int
landlock_of(const struct confine *confine)
{
	if (confine->role == CONFINE_LANE && !confine->has_seccomp &&
	    confine->landlock > LANDLOCK_NO_NETWORK)
		return LANDLOCK_NO_NETWORK;
	return confine->landlock;
}

/* Root that nobody has told to become another keeps what it takes to use a
 * spool that is another's. */
static int
give_up_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (geteuid() == 0)
		data[0].effective = data[0].permitted =
		    1u << CAP_DAC_OVERRIDE | 1u << CAP_LEASE;
	if (syscall(SYS_capset, &header, data) == -1)
		return err_sys(err, "give up capabilities");
	return 0;
}

static int
limit(int resource, rlim_t most, const char *what, struct err *err)
{
	const struct rlimit limit = {most, most};

	if (setrlimit(resource, &limit) == -1)
		return err_sys(err, "limit %s", what);
	return 0;
}

/* What a fork brings along counts; the sender's may be much. */
static int
limit_memory(struct err *err)
{
#ifdef __SANITIZE_ADDRESS__ /* its shadow is larger than any limit */
	(void)err;
	return 0;
#else
	unsigned long pages = 0;
	char text[128];

	if (fs_read_file(
		AT_FDCWD, "/proc/self/statm", text, sizeof(text), err) == -1)
		return -1;
	if (sscanf(text, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
		return err_set(err, ERR_BUG, "/proc/self/statm: %s", text);
	return limit(RLIMIT_DATA,
	    (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MORE_BYTES,
	    "memory", err);
#endif
}
