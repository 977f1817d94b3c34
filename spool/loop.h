/*
 * The event loop of both parents: descriptors and their handlers, over
 * epoll(7). Timers are the caller's: it says how long one turn may wait.
 */
#ifndef DCMSPOOL_LOOP_H
#define DCMSPOOL_LOOP_H

#include "err.h"

struct loop;

/* What is called when a descriptor is readable, or its peer is gone. */
typedef void loop_ready(void *context);

struct loop *loop_create(struct err *err);
/* Frees; the descriptors stay open. A forked child calls it, too. */
void loop_free(struct loop *loop);

/* fd stays the caller's, who removes it before closing it. */
int loop_add(struct loop *loop, int fd, loop_ready *ready, void *context,
    struct err *err);
void loop_remove(struct loop *loop, int fd);

/* Waits up to timeout_ms (-1: for ever) and calls the handlers. A handler may
 * add and remove any descriptor. */
int loop_turn(struct loop *loop, int timeout_ms, struct err *err);

#endif
