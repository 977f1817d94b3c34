/*
 * One item's rename from one state to another, and what it means where the
 * name is taken there.
 */
#ifndef DCMSPOOL_MOVES_H
#define DCMSPOOL_MOVES_H

#include "destination.h"

/*
 * queue/<dest>/<from>/<file> -> <to>/<file>. Where another file has that name
 * there, the item gets a fresh stamp, which becomes the name of a foreign file,
 * and *file is changed; where it is the same file (a hard link), the one in
 * `from` is removed. 1 moved, 0 it is not in `from`, -1 and *err.
 */
int moves_item(struct destination *dest, enum queue_state from,
    enum queue_state to, char file[NAME_ITEM_SIZE], struct err *err);

/* Removes an item, or its record: 1, 0 not there; a failure is logged, and
 * -1. */
int moves_remove(
    struct destination *dest, enum queue_state state, const char *file);
int moves_remove_record(struct destination *dest, const char *file);

#endif
