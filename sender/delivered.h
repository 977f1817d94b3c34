/*
 * The end of an item that its destination has. Where its file cannot be taken
 * away now it is tried again; it is not sent again.
 */
#ifndef DCMSPOOL_DELIVERED_H
#define DCMSPOOL_DELIVERED_H

#include "destination.h"

/*
 * Removes it, or keeps it in sent/ with its record, as KeepSent says. The
 * item leaves the index, or is due again. need_space: at once, though a
 * receiver may still have the file open.
 */
void delivered_end(struct destination *dest, struct index_item *item,
    const struct result *result, bool need_space);

/* Removes it whatever KeepSent says: an equal one is kept. */
void delivered_remove(
    struct destination *dest, struct index_item *item, bool need_space);

/* Once more, for an item with `delivered` set. */
void delivered_again(struct destination *dest, struct index_item *item);

#endif
