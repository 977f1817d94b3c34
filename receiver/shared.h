/*
 * What the receiver's processes share: memory that is mapped before the first
 * of them is forked.
 */
#ifndef DCMSPOOL_RECEIVER_SHARED_H
#define DCMSPOOL_RECEIVER_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../spool/err.h"
#include "../spool/name.h"
#include "../spool/stamp.h"

#define SHARED_LINKS  4096 /* destinations, at most */
#define SHARED_METERS 1024 /* destinations with MaxQueueBytes, at most */

/* How much is queued for one destination; see meter.h. */
struct shared_meter {
	char name[NAME_DEST_SIZE];
	_Atomic int64_t counted_bytes; /* by the last count */
	_Atomic int64_t added_bytes;   /* published since it began */
};

struct counters;
struct ledger;

/* Whether the link of one destination is down; see links.h. */
struct shared_link {
	char name[NAME_DEST_SIZE];
	_Atomic int64_t since_ms;
};

struct shared {
	struct counters *counters;		/* set before the first fork */
	struct ledger *ledger;			/* the same; each its own */
	struct stamp_source *stamps;		/* shared memory of its own */
	atomic_bool stopping;			/* set once, by the parent */
	_Atomic int64_t sender_absent_since_ms; /* monotonic; 0 = it runs */
	atomic_size_t links_n, meters_n;
	struct shared_link links[SHARED_LINKS];
	struct shared_meter meters[SHARED_METERS];
};

/* newest_us: the newest stamp in the spool, 0 for none. NULL and *err. */
struct shared *shared_create(int64_t newest_us, struct err *err);
/* With the counters and the ledger. */
void shared_free(struct shared *shared);

#endif
