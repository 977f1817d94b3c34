/*
 * MaxQueueBytesPerPeer: how much of what each peer sent is still queued. The
 * receiver's children look, and add what they publish; the meter's process
 * counts.
 */
#ifndef DCMSPOOL_RECEIVER_SOURCES_H
#define DCMSPOOL_RECEIVER_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "../spool/conf.h"
#include "../spool/path.h"
#include "../spool/spool.h"
#include "shared.h"

/* Whether as much as the limit, or more, is queued of this peer. */
bool sources_is_full(struct shared *shared,
    const struct conf_receiver *receiver, const char *peer);
/* So much of it was published. */
void sources_add(struct shared *shared, const struct conf_receiver *receiver,
    const char *peer, int64_t bytes);

/* What one process knows of the items in the queues: 16 bytes of each, so that
 * each is opened once. */
struct sources;

struct sources *sources_create(
    const struct spool *spool, struct shared *shared, struct err *err);
void sources_free(struct sources *sources);

/* A count: begin, each item, once for each queue that it is in, and settle.
 * What there is no memory for is not counted, and settle says so: -1. */
void sources_begin(struct sources *sources);
void sources_see(struct sources *sources, const char *dest,
    enum queue_state state, const char *file);
int sources_settle(struct sources *sources, struct err *err);

#endif
