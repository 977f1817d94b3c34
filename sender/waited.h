/*
 * How long somebody may wait for what is queued.
 */
#ifndef DCMSPOOL_WAITED_H
#define DCMSPOOL_WAITED_H

#include "../spool/conf.h"

/* The longest ResponseTimeout of the routes that wait for the destination's
 * result, and what may come on top; 0 where none does, or where it is NULL.
 * Microseconds. */
int64_t waited_longest_us(
    const struct conf *conf, const struct conf_destination *destination);

#endif
