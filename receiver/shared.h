/*
 * What the receiver's processes share. A child that its peer has taken over
 * can write whatever it likes to memory that is shared for writing: there are
 * numbers in it, no pointers and no texts, and none on which memory depends.
 */
#ifndef DCMSPOOL_RECEIVER_SHARED_H
#define DCMSPOOL_RECEIVER_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../spool/err.h"
#include "../spool/name.h"
#include "../spool/stamp.h"

#define SHARED_LINKS  4096  /* destinations, at most */
#define SHARED_METERS 1024  /* destinations with MaxQueueBytes, at most */
#define SHARED_PEERS  16384 /* with MaxQueueBytesPerPeer, at most */

/* What the parent tells: its children can read it only. */
struct shared_told {
	atomic_bool stopping; /* set once */
	_Atomic int64_t link_since_ms[SHARED_LINKS];
};

struct shared_bytes {
	_Atomic int64_t counted; /* by the last count */
	_Atomic int64_t added;	 /* published since it began */
};

/* How much of one peer is queued; see sources.h. */
struct shared_peer {
	_Atomic uint64_t host; /* peer_host; 0: nobody's yet */
	struct shared_bytes bytes;
};

/* What any of them may write. */
struct shared_common {
	_Atomic int64_t sender_absent_since_ms; /* monotonic; 0 = it runs */
	struct shared_bytes bytes[SHARED_METERS];
	struct shared_peer peers[SHARED_PEERS];
};

/* Whether the link of one destination is down; see links.h. */
struct shared_link {
	char name[NAME_DEST_SIZE];
	const _Atomic int64_t *since_ms;
};

/* How much is queued for one destination; see meter.h. */
struct shared_meter {
	char name[NAME_DEST_SIZE];
	struct shared_bytes *bytes;
};

struct counters;
struct ledger;

/* Each process has its own of this, as its parent's was when it was forked. */
struct shared {
	struct counters *counters;   /* set before the first fork */
	struct ledger *ledger;	     /* the same */
	struct stamp_source *stamps; /* shared memory of its own */
	const struct shared_told *told;
	struct shared_told *tell; /* the parent's: not mapped in children */
	struct shared_common *common;
	size_t links_n, meters_n;
	struct shared_link links[SHARED_LINKS];
	struct shared_meter meters[SHARED_METERS];
};

/* newest_us: the newest stamp in the spool, 0 for none. NULL and *err. */
struct shared *shared_create(int64_t newest_us, struct err *err);
/* With the counters and the ledger. */
void shared_free(struct shared *shared);

/* Whether the receiver stops; the parent says so. */
bool shared_is_stopping(const struct shared *shared);
void shared_stop(struct shared *shared);

#endif
