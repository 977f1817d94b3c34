/*
 * What a child of the receiver may do once it talks to its peer.
 */
#ifndef DCMSPOOL_RECEIVER_CELL_H
#define DCMSPOOL_RECEIVER_CELL_H

#include "child.h"

/* Makes what it may not make later, and confines it. -1: it must end. */
int cell_enter(struct child *child, struct err *err);

#endif
