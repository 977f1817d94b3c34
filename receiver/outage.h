/*
 * Since when a destination cannot be reached: its link is down, or no sender
 * runs.
 */
#ifndef DCMSPOOL_RECEIVER_OUTAGE_H
#define DCMSPOOL_RECEIVER_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"

#define OUTAGE_NONE INT64_MAX /* LINKS_UP */

/* Looks whether a sender runs, and notes in shared memory when one was first
 * missed. Returns that (monotonic milliseconds), or OUTAGE_NONE. */
int64_t outage_of_sender(const struct child *child);

/* The same for the link of one destination, as the sender wrote it down. */
int64_t outage_of_link(const struct child *child, const char *dest);

/* Whether a route with OnLinkDown "reject" keeps these AE titles out: all of
 * their routes have it, and none of their destinations can be reached. */
bool outage_rejects(const struct child *child);

#endif
