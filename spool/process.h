/*
 * What both daemons do as processes: the command line, signals as a
 * descriptor, children that die with their parent, and word to the service
 * manager.
 */
#ifndef DCMSPOOL_PROCESS_H
#define DCMSPOOL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct process_options {
	const char *conf_path; /* -c, else $DCMSPOOL_CONF, else the default */
	bool check_only;       /* -n */
	bool takes_echo;       /* set by the caller: --echo is one, too */
	const char *echo;      /* --echo DEST, or NULL */
};

/*
 * Parses -c FILE, -n, -V, -h, --echo DEST. 0: go on; 1: -V or -h was served,
 * exit 0; -1: ERR_USAGE.
 */
int process_parse_options(int argc, char **argv, const char *program,
    struct process_options *options, struct err *err);

/*
 * Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD, ignores SIGPIPE, sets umask
 * 077, and makes sure that descriptors 0 to 2 are open. Returns a
 * non-blocking descriptor, readable when one of them came; -1 and *err.
 */
int process_open_signals(struct err *err);
/* The next signal's number, or 0 for none. */
int process_read_signal(int signal_fd);

/*
 * fork(2), with a socket pair (SOCK_SEQPACKET, non-blocking at the parent's
 * end) between the two. In the child: nothing is blocked, signals that the
 * parent handles are ignored, and it is killed when its parent dies; returns 0.
 * In the parent: the pid. -1 and *err.
 */
pid_t process_fork(int *socket_fd, struct err *err);

/* Waits for a child that is known to end. */
void process_wait(pid_t pid, int *wait_status);
/* Reaps one child: its pid, 0 for none. */
pid_t process_reap(int *wait_status);
/* In words: "exit 1", "signal 11". */
#define PROCESS_HOW_SIZE 48
void process_describe(int wait_status, char *how, size_t size);

/* sd_notify(3): "READY=1" and so on, to $NOTIFY_SOCKET, if there is one. The
 * protocol is one datagram; libsystemd would be a large dependency for it. */
void process_notify(const char *state);

/* The service manager's watchdog: it wants to hear now and then that the loop
 * still turns (sd_watchdog_enabled(3)). */
struct process_watchdog {
	int64_t every_ms; /* at least so often; 0: nobody asked */
	int64_t said_ms;  /* the last time, monotonic */
};

void process_watchdog_open(struct process_watchdog *watchdog);
/*
 * To be called once a turn of the loop, behind its work: tells the service
 * manager where it is time, or soon will be, so that a loop that wakes anyway
 * is not woken once more. Returns when, monotonic ms, the next turn has to
 * be; INT64_MAX where nobody asked.
 */
int64_t process_watchdog_turn(struct process_watchdog *watchdog);

#endif
