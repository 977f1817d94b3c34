/*
 * Which links are down, as the sender wrote it down. The parent reads it for
 * its children, who may not read the queue.
 */
#ifndef DCMSPOOL_RECEIVER_LINKS_H
#define DCMSPOOL_RECEIVER_LINKS_H

#include "../spool/conf.h"
#include "../spool/spool.h"
#include "shared.h"

#define LINKS_LOOK_MS 500 /* while somebody may wait */
#define LINKS_UP      INT64_MAX

/* Makes room for the destinations; those of before keep theirs. */
int links_prepare(
    struct shared *shared, const struct conf *conf, struct err *err);

/* Reads them all. */
void links_look(
    struct shared *shared, const struct spool *spool, const struct conf *conf);

/* Since when that of a destination is down, monotonic ms; LINKS_UP. */
int64_t links_since_ms(const struct shared *shared, const char *dest);

#endif
