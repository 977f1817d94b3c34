/*
 * Processes: options, signals, children, sd_notify.
 *
 * Errors: ERR_USAGE for the command line; else as the system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "process.h"

#define US_PER_MS	1000
#define WATCHDOG_MAX_MS 3600000
#define ECHO_OPTION	256

static void print_usage(const char *program, bool takes_echo);
static void fill_signals(sigset_t *set);
static int open_standard_fds(struct err *err);
static void become_child(pid_t parent);

int
process_parse_options(int argc, char **argv, const char *program,
    struct process_options *options, struct err *err)
{
	static const struct option with_echo[] = {
	    {"echo", required_argument, NULL, ECHO_OPTION}, {NULL, 0, NULL, 0}};
	const struct option *longs =
	    options->takes_echo ? with_echo : with_echo + 1;
	const char *conf = NULL;
	int option;

	options->check_only = false;
	options->echo = NULL;
	opterr = 0;
	while (
	    (option = getopt_long(argc, argv, "+c:nVh", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			conf = optarg;
			break;
		case 'n':
			options->check_only = true;
			break;
		case ECHO_OPTION:
			options->echo = optarg;
			break;
		case 'V':
			(void)printf("%s %s\n", program, DCMSPOOL_VERSION);
			return 1;
		case 'h':
			print_usage(program, options->takes_echo);
			return 1;
		default:
			return err_set(err, ERR_USAGE,
			    "unknown option or missing argument: %s (see %s "
			    "-h)",
			    argv[optind - 1], program);
		}
	}
	if (optind < argc)
		return err_set(err, ERR_USAGE,
		    "unexpected argument: %s (see %s -h)", argv[optind],
		    program);
	options->conf_path = conf_path(conf);
	return 0;
}

int
process_open_signals(struct err *err)
{
	sigset_t set;
	int fd;

	if (open_standard_fds(err) == -1)
		return -1;
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* It comes when somebody opens for writing what is being asked about
	 * with a lease (fs_unwritten), and would end us. */
	(void)signal(SIGIO, SIG_IGN);
	fill_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return err_sys(err, "block signals");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "make a signal descriptor");
	return fd;
}

int
process_read_signal(int signal_fd)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

pid_t
process_fork(int *socket_fd, struct err *err)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "make a socket pair");
	pid = fork();
	if (pid == -1) {
		(void)err_sys(err, "fork");
		(void)close(pair[0]);
		(void)close(pair[1]);
		return -1;
	}
	*socket_fd = pair[pid == 0];
	(void)close(pair[pid != 0]);
	if (pid == 0)
		become_child(parent);
	else
		(void)fcntl(*socket_fd, F_SETFL, O_NONBLOCK);
	return pid;
}

void
process_wait(pid_t pid, int *wait_status)
{
	*wait_status = 0;
	while (waitpid(pid, wait_status, 0) == -1 && errno == EINTR)
		continue;
}

pid_t
process_reap(int *wait_status)
{
	pid_t pid;

	pid = waitpid(-1, wait_status, WNOHANG);
	return pid > 0 ? pid : 0;
}

void
process_describe(int wait_status, char *how, size_t size)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
		(void)snprintf(
		    how, size, "signal %d: a forbidden system call", SIGSYS);
	else if (WIFSIGNALED(wait_status))
		(void)snprintf(how, size, "signal %d", WTERMSIG(wait_status));
	else
		(void)snprintf(how, size, "exit %d", WEXITSTATUS(wait_status));
}

void
process_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(address.sun_path))
		return;
	(void)memcpy(address.sun_path, path, strlen(path));
	size =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') /* abstract: unix(7) */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&address, size);
	(void)close(fd);
}

void
process_watchdog_open(struct process_watchdog *watchdog)
{
	const char *limit = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t limit_us = limit == NULL ? 0 : strtoimax(limit, NULL, 10);

	*watchdog = (struct process_watchdog){.said_ms = clock_mono_ms()};
	if (pid != NULL && strtoimax(pid, NULL, 10) != getpid())
		return; /* another process was meant */
	/* Half of the limit, as the manual says. */
	if (limit_us >= 2 * US_PER_MS)
		watchdog->every_ms = limit_us / US_PER_MS / 2;
	if (watchdog->every_ms > WATCHDOG_MAX_MS)
		watchdog->every_ms = WATCHDOG_MAX_MS;
}

int64_t
process_watchdog_turn(struct process_watchdog *watchdog)
{
	int64_t now_ms;

	if (watchdog->every_ms == 0)
		return INT64_MAX;
	now_ms = clock_mono_ms();
	if (now_ms - watchdog->said_ms >= watchdog->every_ms / 2) {
		process_notify("WATCHDOG=1");
		watchdog->said_ms = now_ms;
	}
	return watchdog->said_ms + watchdog->every_ms;
}

static void
print_usage(const char *program, bool takes_echo)
{
	(void)printf("usage: %s [-n%s] [-c file]\n"
		     "  -c  the configuration\n"
		     "  -n  check it, and whether a start would succeed\n"
		     "%s"
		     "  -V  print the version\n",
	    program, takes_echo ? " | --echo destination" : "",
	    takes_echo ? "  --echo  ask a destination whether it takes us\n"
		       : "");
}

static void
fill_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGCHLD);
}

/* The toolkit takes no socket that is descriptor 0. */
static int
open_standard_fds(struct err *err)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			return err_sys(err, "open /dev/null");
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
	return 0;
}

static void
become_child(pid_t parent)
{
	sigset_t set;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE); /* it died before the call above */
	fill_signals(&set);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* The parent decides when to end: a terminal's ^C goes to all, and a
	 * service manager may signal every process of the service. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}
