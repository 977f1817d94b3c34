/*
 * MaxQueueBytes: a process that counts what is queued for the destinations
 * that have a limit, and what the receiver's children make of it.
 */
#ifndef DCMSPOOL_RECEIVER_METER_H
#define DCMSPOOL_RECEIVER_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "../spool/conf.h"
#include "../spool/spool.h"
#include "shared.h"

/* Makes room in shared memory for each destination that has a limit; called
 * by the parent. ERR_CONFIG where there are too many. */
int meter_prepare(
    struct shared *shared, const struct conf *conf, struct err *err);

/* Whether the process is needed. */
bool meter_is_needed(const struct conf *conf);

/* Counts for ever; at rest nine tenths of the time. */
void meter_run(const struct spool *spool, struct shared *shared,
    const struct conf *conf) __attribute__((noreturn));

/* Whether as much as the limit, or more, is queued. */
bool meter_is_full(
    struct shared *shared, const struct conf_destination *destination);
/* So much was published. */
void meter_add(struct shared *shared,
    const struct conf_destination *destination, int64_t bytes);

#endif
