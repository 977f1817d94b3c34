/*
 * What KeepSent and KeepFailed say: the only deletion that is not a delivery.
 * And records that have outlived their items.
 */
#ifndef DCMSPOOL_EXPIRE_H
#define DCMSPOOL_EXPIRE_H

#include "destination.h"

/*
 * Removes from sent/ and failed/ what has been there for longer, by the time
 * of its last change (st_ctime, which rename(2) sets), with its record.
 */
void expire_destination(struct destination *dest);

/*
 * Removes the records of items that are in no state any more: a crash came
 * between the two removals, or an operator took the item away.
 */
void expire_records(struct destination *dest);

/* How often: once a minute, oftener where something is kept for less. */
int64_t expire_interval_ms(const struct conf *conf);

#endif
