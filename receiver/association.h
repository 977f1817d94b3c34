/*
 * One association, from its request to its end: a child's whole life.
 */
#ifndef DCMSPOOL_RECEIVER_ASSOCIATION_H
#define DCMSPOOL_RECEIVER_ASSOCIATION_H

#include "child.h"

/* Serves child->fd, and consumes it. Nothing of it is left in tmp/ and
 * result/. false: it became no association. */
bool association_serve(struct child *child);

#endif
