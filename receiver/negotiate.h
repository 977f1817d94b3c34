/*
 * Who is let in, and for what: from the association request to its answer.
 */
#ifndef DCMSPOOL_RECEIVER_NEGOTIATE_H
#define DCMSPOOL_RECEIVER_NEGOTIATE_H

#include "child.h"

/*
 * Answers the request that child->assoc came with. 1: accepted; 0: rejected;
 * -1: neither could be done.
 */
int negotiate(struct child *child, struct err *err);

#endif
