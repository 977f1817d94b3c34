/*
 * Whether the spool has room for more.
 */
#ifndef DCMSPOOL_RECEIVER_SPACE_H
#define DCMSPOOL_RECEIVER_SPACE_H

#include <stdbool.h>

#include "child.h"

/* Whether less is free than MinFreeBytes or MinFreeInodes. */
bool space_is_short(const struct child *child);

#endif
