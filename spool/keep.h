/*
 * How long what is done with is kept: KeepSent and KeepFailed. Pure.
 */
#ifndef DCMSPOOL_KEEP_H
#define DCMSPOOL_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "path.h"

/*
 * Whether an item is to go that came into its folder, sent/ or failed/, at
 * came_s, by the real-time clock. keep_s 0 keeps nothing in sent/, and in
 * failed/ for ever. One that comes from the future, as the clock was ahead,
 * counts in sent/ as so old as it is off, so that it is there for twice keep_s
 * at most; in failed/, where nobody else may have it, it stays.
 */
bool keep_is_over(
    enum queue_state state, int64_t keep_s, int64_t came_s, int64_t now_s);

#endif
