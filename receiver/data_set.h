/*
 * A data set as it comes over an association, in pieces.
 */
#ifndef DCMSPOOL_RECEIVER_DATA_SET_H
#define DCMSPOOL_RECEIVER_DATA_SET_H

#include <stddef.h>
#include <stdint.h>

#include "../spool/assoc_dcmtk.h"

/* Called for each piece; data may be NULL only where size is 0. */
typedef void data_set_take(void *context, const void *data, size_t size);

/*
 * Reads a data set to its end, and gives it to `take` (NULL: drops it).
 * timeout_ms bounds the time without progress, and over that time 100 bytes a
 * second on average have to come. ASSOC_PDV: it is whole; any
 * other event ended it, and *err says more. *bytes is what came.
 */
enum assoc_event data_set_read(struct assoc *assoc, uint8_t context_id,
    int timeout_ms, data_set_take *take, void *context, uint64_t *bytes,
    struct err *err);

#endif
