/*
 * What KeepSent and KeepFailed say: the only deletion that is not a delivery.
 */
#ifndef DCMSPOOL_EXPIRE_H
#define DCMSPOOL_EXPIRE_H

#include "destination.h"

/*
 * Removes from sent/ and failed/ what has been there for longer, by the time
 * of its last change (st_ctime, which rename(2) sets), with its record.
 */
void expire_destination(struct destination *dest);

/* How often: once a minute, oftener where something is kept for less. */
int64_t expire_interval_ms(const struct conf *conf);

#endif
