/*
 * The sender's parent: the queue manager of all destinations.
 */
#ifndef DCMSPOOL_SENDER_H
#define DCMSPOOL_SENDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../spool/conf.h"
#include "../spool/loop.h"
#include "../spool/process.h"
#include "../spool/spool.h"
#include "../spool/confine.h"
#include "../spool/stamp.h"

struct destination;
struct identities;
struct counters;
struct ledger;
TAILQ_HEAD(destination_list, destination);

struct sender {
	struct spool spool;
	struct conf *conf;
	struct identities *identities; /* of its destinations */
	struct confine *confine;       /* for lanes */
	struct loop *loop;
	struct stamp_source *stamps; /* for foreign items */
	struct counters *counters;
	struct ledger *ledger;
	struct process_watchdog watchdog;
	int lock_fd;
	int signal_fd;
	int watch_fd; /* -1: there is no inotify to be had */
	int queue_wd; /* of queue/, -1: not watched */
	int children; /* lanes that have not been reaped */
	bool reload, stop;
	int64_t stop_by_ms; /* 0 until it stops */
	int64_t started_us; /* real time */
	int64_t next_look_ms;
	int64_t next_account_ms;       /* of what waits: account.c */
	int64_t next_expiry_ms;	       /* of certificates */
	struct destination *chores_at; /* whose turn it is: chores.c */
	struct destination_list destinations;
};

/*
 * Serves until SIGTERM. The spool is open and locked, the identities are
 * loaded, and nothing else of the struct is set. 0, or -1 and *err.
 */
int sender_run(struct sender *sender, struct err *err);

#endif
