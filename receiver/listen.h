/*
 * Where the receiver listens, and who connects.
 */
#ifndef DCMSPOOL_RECEIVER_LISTEN_H
#define DCMSPOOL_RECEIVER_LISTEN_H

#include "../spool/envelope.h"
#include "../spool/err.h"

#define LISTEN_MAX 16 /* addresses of one interface */

struct listeners {
	int fd[LISTEN_MAX]; /* non-blocking */
	size_t n;
};

/*
 * `where` is an address, the name of an interface (all its addresses), or ""
 * for all interfaces, IPv4 and IPv6. On -1 nothing is open.
 */
int listen_open(
    const char *where, int port, struct listeners *listeners, struct err *err);
void listen_close(struct listeners *listeners);

/*
 * The next connection and its peer's address (IPv4 as such, even where the
 * socket is IPv6). -1 and *err; err->sys is EAGAIN where there is none.
 */
int listen_accept(int fd, char peer[ENVELOPE_PEER_SIZE], struct err *err);

#endif
