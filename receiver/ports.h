/*
 * The listening sockets in the parent's loop: connections come from here.
 */
#ifndef DCMSPOOL_RECEIVER_PORTS_H
#define DCMSPOOL_RECEIVER_PORTS_H

#include <stdint.h>

#include "../spool/loop.h"

#define PORTS_NEVER INT64_MAX

struct ports;

/* fd is connected, and the callee's. */
typedef void ports_connected(void *context, int fd, const char *peer);

struct ports *ports_open(struct loop *loop, const char *interface, int port,
    ports_connected *connected, void *context, struct err *err);
/* Closes and frees; a forked child calls it, too. */
void ports_free(struct ports *ports);

/* Listens elsewhere, where that differs. On -1 it is where it was, unless
 * that could not be had again either. */
int ports_move(
    struct ports *ports, const char *interface, int port, struct err *err);

/* Where nothing could be accepted, it is tried again at a time (monotonic;
 * or PORTS_NEVER), for which the caller waits. */
int64_t ports_due_ms(const struct ports *ports);
int ports_resume(struct ports *ports, struct err *err);

#endif
