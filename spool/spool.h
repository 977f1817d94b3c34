/*
 * StorageLocation as a whole: opened, checked, created, locked.
 */
#ifndef DCMSPOOL_SPOOL_H
#define DCMSPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "path.h"

struct spool {
	int root_fd;	/* all paths are relative to it */
	char *location; /* for messages */
};

enum spool_side {
	SPOOL_SENDER,  /* the lock on queue/ */
	SPOOL_RECEIVER /* the lock on result/ */
};

/*
 * Opens the spool; where `create` is set makes what is missing (the parent
 * folder must exist; a folder that is not empty and has no version file is
 * not ours). Refuses another version, and folders on two file systems.
 */
int spool_open(
    const char *location, bool create, struct spool *spool, struct err *err);
void spool_close(struct spool *spool);

/* Makes queue/<dest> with its folders. */
int spool_make_destination(
    const struct spool *spool, const char *dest, struct err *err);
/* Puts its folders on stable storage, whoever made them: what is synced in
 * them is there only where they are. */
int spool_sync_destination(
    const struct spool *spool, const char *dest, struct err *err);

/*
 * Takes the lock of one side, waiting up to wait_ms for it; *lock_fd holds
 * it, in all processes that inherit it. ERR_TEMPORARY where another has it.
 */
int spool_lock(const struct spool *spool, enum spool_side side, int wait_ms,
    int *lock_fd, struct err *err);

/* Whether a sender runs on this spool: 1, 0, -1. queue_fd is an open
 * descriptor of queue/ that is not the lock's. */
int spool_sender_runs(int queue_fd, struct err *err);

/* The newest stamp of all item names in all queues; 0 for none. */
int spool_newest_stamp(
    const struct spool *spool, int64_t *newest_us, struct err *err);

/* The folders under queue/, one visit each; as fs_scan. */
int spool_scan_destinations(const struct spool *spool,
    int (*visit)(void *context, const char *dest), void *context,
    struct err *err);

#endif
