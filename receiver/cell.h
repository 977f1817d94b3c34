/*
 * What a child of the receiver may do once it talks to its peer.
 */
#ifndef DCMSPOOL_RECEIVER_CELL_H
#define DCMSPOOL_RECEIVER_CELL_H

#include "child.h"

/* In the parent, before each fork: folders of destinations that are gone are
 * made anew, as the child may not. */
void cell_prepare(const struct spool *spool, const struct conf *conf);

/* Makes what it may not make later, and confines it. -1: it must end. */
int cell_enter(struct child *child, struct err *err);

#endif
