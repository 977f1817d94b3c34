/*
 * Processes: options, signals, children, and word to the service manager.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/conf.h"
#include "../spool/process.h"
#include "test.h"
#include "test_fixture.h"

#define ARGUMENTS_MAX 5

static void
parses_options(void)
{
	static const struct {
		const char *what;
		const char *arguments[ARGUMENTS_MAX];
		int rc;
		const char *conf;
		bool check_only;
		bool takes_echo;
		const char *echo;
	} rows[] = {
	    {"none", {"x"}, 0, CONF_DEFAULT_PATH, false, false, NULL},
	    {"-c", {"x", "-c", "a.conf"}, 0, "a.conf", false, false, NULL},
	    {"-n", {"x", "-n"}, 0, CONF_DEFAULT_PATH, true, false, NULL},
	    {"-nc", {"x", "-nca.conf"}, 0, "a.conf", true, false, NULL},
	    {"-c without file", {"x", "-c"}, -1, NULL, false, false, NULL},
	    {"unknown", {"x", "-z"}, -1, NULL, false, false, NULL},
	    {"long", {"x", "--json"}, -1, NULL, false, true, NULL},
	    {"argument", {"x", "y"}, -1, NULL, false, false, NULL},
	    {"argument first", {"x", "y", "-n"}, -1, NULL, false, false, NULL},
	    {"--echo", {"x", "--echo", "PACS"}, 0, CONF_DEFAULT_PATH, false,
		true, "PACS"},
	    {"--echo=", {"x", "--echo=PACS", "-c", "a.conf"}, 0, "a.conf",
		false, true, "PACS"},
	    {"--echo of none", {"x", "--echo"}, -1, NULL, false, true, NULL},
	    {"--echo, not taken", {"x", "--echo", "PACS"}, -1, NULL, false,
		false, NULL},
	};
	struct process_options options = {.takes_echo = false};
	char *argv[ARGUMENTS_MAX + 1];
	struct err err;
	size_t i;
	int argc, rc;

	(void)unsetenv("DCMSPOOL_CONF");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (argc = 0;
		     argc < ARGUMENTS_MAX && rows[i].arguments[argc] != NULL;
		     argc++)
			argv[argc] = strdup(rows[i].arguments[argc]);
		argv[argc] = NULL;
		optind = 0;
		err.class = ERR_NONE;
		options.takes_echo = rows[i].takes_echo;
		rc = process_parse_options(argc, argv, "x", &options, &err);
		TEST_ROW(rc == rows[i].rc, rows[i].what);
		TEST_ROW(rc == 0 || err.class == ERR_USAGE, rows[i].what);
		TEST_ROW(
		    rc != 0 ||
			(strcmp(options.conf_path, rows[i].conf) == 0 &&
			    options.check_only == rows[i].check_only &&
			    (rows[i].echo == NULL
				    ? options.echo == NULL
				    : strcmp(options.echo, rows[i].echo) == 0)),
		    rows[i].what);
		while (argc > 0)
			free(argv[--argc]);
	}
}

static bool
is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

/* In a process of its own: it changes what a signal does. */
static int
take_signals(void *context)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	struct err err;
	size_t i;
	int fd;

	(void)context;
	(void)close(STDIN_FILENO);
	fd = process_open_signals(&err);
	if (fd <= STDERR_FILENO || fcntl(STDIN_FILENO, F_GETFD) == -1)
		return 1;
	if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
		return 2;
	if (process_read_signal(fd) != 0)
		return 3;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)kill(getpid(), numbers[i]);
		if (process_read_signal(fd) != numbers[i] ||
		    process_read_signal(fd) != 0)
			return 4;
	}
	if (!is_ignored(SIGPIPE) || !is_ignored(SIGIO))
		return 5;
	return umask(0) == 077 ? 0 : 6;
}

static void
signals_are_read(void)
{
	CU_ASSERT_EQUAL(test_in_child(take_signals, NULL), 0);
}

static int
child_of_a_daemon(int socket_fd)
{
	sigset_t blocked;
	char text[16];
	ssize_t got;

	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (sigismember(&blocked, SIGTERM) != 0 ||
	    sigismember(&blocked, SIGCHLD) != 0)
		return 1;
	got = read(socket_fd, text, sizeof(text));
	if (got != 4 || memcmp(text, "ping", 4) != 0)
		return 2;
	return write(socket_fd, "pong", 4) == 4 ? 7 : 3;
}

static int
talk_to_a_child(void *context)
{
	int socket_fd, status;
	struct err err;
	char text[16], how[32];
	pid_t pid;

	(void)context;
	if (process_open_signals(&err) == -1)
		return 1;
	pid = process_fork(&socket_fd, &err);
	if (pid == 0)
		_exit(child_of_a_daemon(socket_fd));
	/* The parent is never held up. */
	if ((fcntl(socket_fd, F_GETFL) & O_NONBLOCK) == 0 ||
	    read(socket_fd, text, sizeof(text)) != -1 || errno != EAGAIN)
		return 2;
	if (process_reap(&status) != 0)
		return 3;
	if (write(socket_fd, "ping", 4) != 4)
		return 4;
	process_wait(pid, &status);
	process_describe(status, how, sizeof(how));
	if (strcmp(how, "exit 7") != 0)
		return 5;
	/* What it said last, then the end. */
	if (read(socket_fd, text, sizeof(text)) != 4 ||
	    memcmp(text, "pong", 4) != 0 ||
	    read(socket_fd, text, sizeof(text)) != 0)
		return 6;
	return process_reap(&status) == 0 ? 0 : 7;
}

static void
children_talk(void)
{
	CU_ASSERT_EQUAL(test_in_child(talk_to_a_child, NULL), 0);
}

static int
fork_and_end(void *context)
{
	int *held = context, socket_fd;
	struct err err;
	char c;

	if (process_fork(&socket_fd, &err) == 0) {
		(void)alarm(20);
		if (write(held[1], "x", 1) == 1)
			for (;;)
				(void)pause();
		_exit(1);
	}
	return read(held[0], &c, 1) == 1 ? 0 : 1;
}

/* Its end of the pipe is closed, by nobody but the kernel. */
static void
children_die_with_their_parent(void)
{
	struct pollfd fd = {.events = POLLIN};
	int held[2];
	char c;

	CU_ASSERT_EQUAL_FATAL(pipe(held), 0);
	CU_ASSERT_EQUAL(test_in_child(fork_and_end, held), 0);
	(void)close(held[1]);
	fd.fd = held[0];
	CU_ASSERT_EQUAL_FATAL(poll(&fd, 1, 10000), 1);
	CU_ASSERT_EQUAL(read(held[0], &c, 1), 0);
	(void)close(held[0]);
}

static void
says_how_a_child_ended(void)
{
	int status;
	char how[32];
	pid_t pid;

	pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	(void)kill(pid, SIGKILL);
	process_wait(pid, &status);
	process_describe(status, how, sizeof(how));
	CU_ASSERT_STRING_EQUAL(how, "signal 9");
	CU_ASSERT_EQUAL(process_reap(&status), 0);
}

static void
notify(const char *socket_path, bool abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[64] = "";
	socklen_t size;
	int fd;

	(void)snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   strlen(socket_path));
	if (abstract)
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CU_ASSERT_EQUAL_FATAL(
	    bind(fd, (const struct sockaddr *)&address, size), 0);
	(void)setenv("NOTIFY_SOCKET", socket_path, 1);
	process_notify("READY=1");
	CU_ASSERT_EQUAL(recv(fd, text, sizeof(text) - 1, 0), 7);
	CU_ASSERT_STRING_EQUAL(text, "READY=1");
	(void)unsetenv("NOTIFY_SOCKET");
	process_notify("READY=1");
	CU_ASSERT_EQUAL(recv(fd, text, sizeof(text) - 1, 0), -1);
	(void)close(fd);
}

static void
tells_the_service_manager(void)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/notify", test_tmpdir());
	notify(path, false);
	(void)snprintf(path, sizeof(path), "@dcmspool-test-%d", (int)getpid());
	notify(path, true);
	/* Nobody there, or no place: it goes on. */
	(void)setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	process_notify("READY=1");
	(void)setenv("NOTIFY_SOCKET", "relative", 1);
	process_notify("READY=1");
	(void)unsetenv("NOTIFY_SOCKET");
}

static void
asks_what_the_watchdog_wants(void)
{
	static const struct {
		const char *what, *limit_us, *pid;
		int64_t every_ms;
	} rows[] = {
	    {"none", NULL, NULL, 0},
	    {"half of it", "120000000", NULL, 60000},
	    {"of another process", "120000000", "1", 0},
	    {"no number", "often", NULL, 0},
	    {"too short", "1999", NULL, 0},
	    {"negative", "-5", NULL, 0},
	    {"for ever", "18446744073709551615", NULL, 3600000},
	};
	struct process_watchdog watchdog;
	char own_pid[16];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)unsetenv("WATCHDOG_USEC");
		(void)unsetenv("WATCHDOG_PID");
		if (rows[i].limit_us != NULL)
			(void)setenv("WATCHDOG_USEC", rows[i].limit_us, 1);
		if (rows[i].pid != NULL)
			(void)setenv("WATCHDOG_PID", rows[i].pid, 1);
		process_watchdog_open(&watchdog);
		TEST_ROW(watchdog.every_ms == rows[i].every_ms, rows[i].what);
	}
	(void)snprintf(own_pid, sizeof(own_pid), "%d", (int)getpid());
	(void)setenv("WATCHDOG_USEC", "4000", 1);
	(void)setenv("WATCHDOG_PID", own_pid, 1);
	process_watchdog_open(&watchdog);
	CU_ASSERT_EQUAL(watchdog.every_ms, 2);
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

static void
watchdog_hears_when_it_is_time(void)
{
	struct process_watchdog watchdog = {.every_ms = 0};
	int64_t now_ms = clock_mono_ms(), said_ms;

	CU_ASSERT_EQUAL(process_watchdog_turn(&watchdog), INT64_MAX);
	/* It has just heard: nothing is said, and the time stays. */
	watchdog.every_ms = 1000000;
	watchdog.said_ms = said_ms = now_ms - 400000;
	CU_ASSERT_EQUAL(process_watchdog_turn(&watchdog), said_ms + 1000000);
	CU_ASSERT_EQUAL(watchdog.said_ms, said_ms);
	/* Half of the time is over: as the loop turns anyway, it is said. */
	watchdog.said_ms = now_ms - 500000;
	CU_ASSERT(process_watchdog_turn(&watchdog) >= now_ms + 1000000);
	CU_ASSERT(watchdog.said_ms >= now_ms);
}

static const struct test_case cases[] = {
    {"parses options", parses_options},
    {"signals are read", signals_are_read},
    {"children talk", children_talk},
    {"children die with their parent", children_die_with_their_parent},
    {"says how a child ended", says_how_a_child_ended},
    {"tells the service manager", tells_the_service_manager},
    {"asks what the watchdog wants", asks_what_the_watchdog_wants},
    {"watchdog hears when it is time", watchdog_hears_when_it_is_time},
    {0},
};

TEST_SUITE(process, cases)
