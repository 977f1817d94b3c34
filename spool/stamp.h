/*
 * Stamps: unique, and never backwards whatever the clock does. The counter
 * lives in memory that a daemon's processes share (made before the first
 * fork). With it come locks by SOP Instance UID: an item of a UID is visible
 * in its queues before a later stamp is taken for the same UID.
 */
#ifndef DCMSPOOL_STAMP_H
#define DCMSPOOL_STAMP_H

#include <stdint.h>

#include "err.h"

struct stamp_source;

/* newest_us: the newest stamp in the spool, 0 for none. NULL and *err. */
struct stamp_source *stamp_source_create(int64_t newest_us, struct err *err);
/* In the last process that uses it, or in one that does so no more. */
void stamp_source_free(struct stamp_source *source);

/* max(clock, last + 1), microseconds of real time. */
int64_t stamp_next(struct stamp_source *source);

/* A name in the spool has this stamp: the next one lies behind it. One that is
 * more than STAMP_AHEAD_US ahead of the clock was made by hand, and does not
 * count. */
#define STAMP_AHEAD_US (INT64_C(10) * 365 * 86400 * 1000000)
void stamp_raise(struct stamp_source *source, int64_t seen_us);

/* Between these two, nobody else publishes an item of this UID. A holder
 * that dies gives the lock up. */
void stamp_lock_uid(struct stamp_source *source, const char *uid);
void stamp_unlock_uid(struct stamp_source *source, const char *uid);

#endif
