/*
 * What one child of the receiver is and has: one association, from the
 * connected socket to its end.
 */
#ifndef DCMSPOOL_RECEIVER_CHILD_H
#define DCMSPOOL_RECEIVER_CHILD_H

#include <stdbool.h>

#include "../spool/conf.h"
#include "../spool/confine.h"
#include "../spool/envelope.h"
#include "../spool/item.h"
#include "../spool/path.h"
#include "../spool/spool.h"
#include "../spool/tls_dcmtk.h"
#include "route.h"
#include "shared.h"

/* What the parent wants of it. */
enum child_mode {
	CHILD_SERVE,
	CHILD_REJECT_LIMIT,	 /* there are too many associations */
	CHILD_REJECT_PEER_LIMIT, /* too many of this peer */
	CHILD_REJECT_ADDRESS,	 /* nobody may connect from there */
	CHILD_REJECT_STOPPING	 /* the receiver stops */
};

struct assoc;
struct wait;

struct child {
	/* from the parent */
	enum child_mode mode;
	int fd;			 /* the connection, until acceptor_receive */
	int parent_fd;		 /* see channel.h */
	const struct conf *conf; /* as it was when the child was forked */
	const struct spool *spool;
	struct tls *tls; /* NULL: in the clear */
	struct shared *shared;
	const struct confine *confine;
	char association[PATH_ASSOCIATION_SIZE];
	char peer[ENVELOPE_PEER_SIZE];

	/* association.c */
	struct assoc *assoc;
	const char *calling_aet, *called_aet; /* of assoc */
	struct route_peer who;
	int queue_fd; /* for spool_sender_runs: one of its own */
	unsigned stored, refused;

	/* store.c */
	struct item_slot slot; /* for the next item */
	int64_t second_ms;     /* when the second of MaxRate began, monotonic */
	int in_second;	       /* instances since then */

	/* wait.c */
	struct wait *waits;    /* what an answer is due for, by message ID */
	struct wait *answered; /* what has one, to be tidied up */
	bool has_folder;       /* result/<association> */
	bool may_watch;	       /* it may have an inotify of its own */
	int watch_fd;	       /* -1: the parent watches for it */
	bool strays;	       /* markers may come that nobody waits for */
};

/* The process that serves a connection; it exits with 0, or with this. */
#define CHILD_NO_ASSOCIATION 10
typedef void (*child_run)(struct child *child) __attribute__((noreturn));

#endif
