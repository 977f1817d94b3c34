/*
 * Confinement as a whole: what is given up, limits, what the kernel lacks, and
 * what fails. Answers of the kernel are made up here, in the place of
 * syscall(2) by which confine*.c asks it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/confine_private.h"
#include "../spool/log.h"
#include "test.h"
#include "test_confined.h"
#include "test_fixture.h"

#define ANSWERS	  2
#define LACKS	  4
#define MEBIBYTES 96 /* more than MORE_BYTES of confine.c */

/* What the kernel is said to answer; number -1: it is asked. */
struct answer {
	long number, first; /* of the call, its first argument, or -1 */
	long result;
	int error;
};

static struct answer answers[ANSWERS] = {{.number = -1}, {.number = -1}};

/* It reads more than it may have been given. */
__attribute__((no_sanitize("address"))) long
syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[6];
	va_list args;
	int i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	for (i = 0; i < ANSWERS; i++)
		if (number == answers[i].number &&
		    (answers[i].first == -1 || answers[i].first == a[0])) {
			errno = answers[i].error;
			return answers[i].result;
		}
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* As without it; only in a process of its own. */
static void
have_no_seccomp(void)
{
	answers[0] = (struct answer){
	    SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, -1, EOPNOTSUPP};
}

static void
have_no_landlock(void)
{
	answers[1] =
	    (struct answer){SYS_landlock_create_ruleset, 0, -1, ENOSYS};
}

static void
have_neither(void)
{
	have_no_seccomp();
	have_no_landlock();
}

/* All below run in a confined process, which may still ask without seccomp. */

static long
limits_are_set(const void *context)
{
	static const struct {
		int resource;
		rlim_t most;
	} table[] = {{RLIMIT_CORE, 0}, {RLIMIT_NPROC, 0}, {RLIMIT_NOFILE, 64}};
	struct rlimit limit;
	size_t i;

	(void)context;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (getrlimit(table[i].resource, &limit) == -1 ||
		    limit.rlim_cur != table[i].most ||
		    limit.rlim_max != table[i].most)
			return -1;
	return 0;
}

#ifndef __SANITIZE_ADDRESS__
static long
memory_is_bounded(const void *context)
{
	char *piece;
	int i;

	(void)context;
	for (i = 0; i < MEBIBYTES; i++) {
		piece = malloc((size_t)1 << 20);
		if (piece == NULL)
			return 0;
		(void)memset(piece, 1, (size_t)1 << 20);
		__asm__ volatile("" : : "r"(piece) : "memory");
	}
	return -1;
}
#endif

static long
some_memory_is_left(const void *context)
{
	char *piece = malloc((size_t)32 << 20);

	(void)context;
	__asm__ volatile("" : : "r"(piece) : "memory");
	return piece == NULL ? -1 : 0;
}

static long
gains_nothing_by_exec(const void *context)
{
	(void)context;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}

static long
has_no_capabilities(const void *context)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	unsigned may = 0;

	(void)context;
	if (geteuid() == 0)
		may = 1u << CAP_DAC_OVERRIDE | 1u << CAP_LEASE;
	if (syscall(SYS_capget, &header, data) == -1 ||
	    data[0].permitted != may || data[0].effective != may ||
	    data[1].permitted != 0 || data[1].effective != 0)
		return -1;
	return data[0].inheritable == 0 && data[1].inheritable == 0 ? 0 : -1;
}

static long
forks_nothing(const void *context)
{
	pid_t pid = fork();

	(void)context;
	if (pid == 0)
		_exit(0);
	return pid;
}

static void
gives_up_and_limits(void)
{
	const struct test_confined confined = {
	    .root_fd = AT_FDCWD, .before = have_neither};

#define HOLDS(attempt)                                                         \
	TEST_ROW(test_confined_try(&confined, attempt, NULL) == FATE_DONE,     \
	    #attempt)
	HOLDS(limits_are_set);
	HOLDS(gains_nothing_by_exec);
	HOLDS(has_no_capabilities);
	HOLDS(some_memory_is_left);
#ifdef __SANITIZE_ADDRESS__
	test_skip("memory: the sanitizers' own is larger than any limit");
#else
	HOLDS(memory_is_bounded);
#endif
#undef HOLDS
	if (geteuid() != 0) /* of root nobody counts them */
		CU_ASSERT_EQUAL(
		    test_confined_try(&confined, forks_nothing, NULL),
		    FATE_FAILED);
}

/* DCMTK has a lane listen before it is given its connection. */
static long
listens(const void *context)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr_in any = {.sin_family = AF_INET};

	(void)context;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) == -1)
		return -1;
	return listen(fd, 1);
}

static void
a_lane_works_without_seccomp(void)
{
	struct test_confined confined = {.role = CONFINE_LANE,
	    .root_fd = AT_FDCWD,
	    .before = have_no_seccomp};

	CU_ASSERT_EQUAL(test_confined_try(&confined, listens, NULL), FATE_DONE);
	confined.role = CONFINE_ASSOCIATION;
	if (confine_landlock_abi() >= 4)
		CU_ASSERT_EQUAL(
		    test_confined_try(&confined, listens, NULL), FATE_REFUSED);
}

#ifdef __SANITIZE_ADDRESS__
static long
writes_too_far(const void *context)
{
	volatile char *piece = malloc(8);

	(void)context;
	piece[8] = 1;
	return 0;
}

/* With all of confinement in force, its report comes out. */
static void
sanitizers_can_report(void)
{
	const struct test_confined confined = {.root_fd = AT_FDCWD};

	CU_ASSERT_EQUAL(
	    test_confined_try(&confined, writes_too_far, NULL), FATE_REPORTED);
}
#endif

/* What the parent says at its start. */

struct kernel {
	bool seccomp;
	long landlock; /* -1: none */
	const char *lacks[LACKS];
};

static void
report_on(const struct kernel *kernel, int fd)
{
	struct confine *confine;
	struct err err;

	if (!kernel->seccomp)
		have_no_seccomp();
	answers[1] = (struct answer){
	    SYS_landlock_create_ruleset, 0, kernel->landlock, ENOSYS};
	(void)dup2(fd, STDERR_FILENO);
	log_open("test", LOG_LEVEL_INFO, false);
	confine = confine_create(CONFINE_LANE, &err);
	if (confine != NULL)
		confine_report(confine);
	confine_free(confine);
	_exit(confine == NULL);
}

static void
says_what_the_kernel_lacks(void)
{
#define SECCOMP	  "warning not-confined lacks=seccomp "
#define LANDLOCK2 "warning not-confined lacks=\"Landlock 2 (Linux 5.19)\" "
#define LANDLOCK4 "info not-confined lacks=\"Landlock 4 (Linux 6.7)\" "
#define LANDLOCK6 "info not-confined lacks=\"Landlock 6 (Linux 6.12)\" "
	static const struct kernel kernels[] = {
	    {true, 7, {NULL}},
	    {true, 6, {NULL}},
	    {true, 5, {LANDLOCK6}},
	    {true, 4, {LANDLOCK6}},
	    {true, 3, {LANDLOCK4, LANDLOCK6}},
	    {true, 2, {LANDLOCK4, LANDLOCK6}},
	    {true, 1, {LANDLOCK2, LANDLOCK4, LANDLOCK6}},
	    {true, -1, {LANDLOCK2, LANDLOCK4, LANDLOCK6}},
	    {false, 6, {SECCOMP}},
	    {false, -1, {SECCOMP, LANDLOCK2, LANDLOCK4, LANDLOCK6}},
	};
	char text[4096], what[64];
	const char *at, *found;
	size_t i, n;
	ssize_t got;
	int pair[2], status;
	pid_t pid;

	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(pipe(pair), 0);
		pid = fork();
		if (pid == 0)
			report_on(&kernels[i], pair[1]);
		(void)close(pair[1]);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT_EQUAL(status, 0);
		got = read(pair[0], text, sizeof(text) - 1);
		text[got > 0 ? got : 0] = '\0';
		(void)close(pair[0]);
		at = text;
		for (n = 0; n < LACKS && kernels[i].lacks[n] != NULL; n++) {
			(void)snprintf(what, sizeof(what),
			    "seccomp %d, %ld: %zu", kernels[i].seccomp,
			    kernels[i].landlock, n);
			found = strstr(at, kernels[i].lacks[n]);
			TEST_ROW(found != NULL &&
				     strstr(found, "consequence=") != NULL,
			    what);
			at = found == NULL ? at : strchr(found, '\n');
		}
		/* And no other line. */
		for (found = text; (found = strchr(found, '\n')) != NULL;
		     found++)
			n--;
		CU_ASSERT_EQUAL(n, 0);
	}
}

/* What cannot be done is not done without. */

static int
enter_fails(void *context)
{
	const struct answer *answer = context;
	struct confine *confine;
	struct err err = {.class = ERR_NONE};
	int rc;

	confine = confine_create(CONFINE_ASSOCIATION, &err);
	if (confine == NULL)
		return 1;
	answers[0] = *answer;
	rc = confine_enter(confine, AT_FDCWD, NULL, 0, &err);
	return rc == -1 && err.sys == answer->error ? 0 : 2;
}

static void
fails_rather_than_goes_on(void)
{
	static const struct {
		const char *what;
		struct answer answer;
	} rows[] = {
	    {"capabilities", {SYS_capset, -1, -1, EPERM}},
	    {"a ruleset", {SYS_landlock_create_ruleset, -1, -1, ENOMEM}},
	    {"Landlock", {SYS_landlock_restrict_self, -1, -1, E2BIG}},
	    {"seccomp", {SYS_seccomp, SECCOMP_SET_MODE_FILTER, -1, ENOMEM}},
	};
	struct answer answer;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answer = rows[i].answer;
		TEST_ROW(
		    test_in_child(enter_fails, &answer) == 0, rows[i].what);
	}
}

static int
raise_two(void *context)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY), low = fd, again;
	struct err err = {.class = ERR_NONE};

	(void)context;
	if (confine_raise_fd(&fd, &err) == -1 || fd < CONFINE_UNLISTED_FD)
		return 1;
	if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 || fcntl(low, F_GETFD) != -1)
		return 2;
	again = fd;
	if (confine_raise_fd(&again, &err) == -1 || again != fd)
		return 3;
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == -1)
		return 4;
	low = open("/", O_RDONLY | O_DIRECTORY);
	return confine_raise_fd(&low, &err) == -1 && err.sys == EINVAL ? 0 : 5;
}

static void
raises_descriptors(void)
{
	CU_ASSERT_EQUAL(test_in_child(raise_two, NULL), 0);
}

static const struct test_case cases[] = {
    {"gives up capabilities, and has limits", gives_up_and_limits},
#ifdef __SANITIZE_ADDRESS__
    {"lets sanitizers report", sanitizers_can_report},
#endif
    {"a lane works without seccomp", a_lane_works_without_seccomp},
    {"says what the kernel lacks", says_what_the_kernel_lacks},
    {"fails rather than goes on without", fails_rather_than_goes_on},
    {"puts descriptors where folders are not listed", raises_descriptors},
    {0},
};

TEST_SUITE(confine, cases)
