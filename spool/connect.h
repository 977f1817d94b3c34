/*
 * TCP connections to a peer: a name is resolved, and each of its addresses
 * tried in turn.
 */
#ifndef DCMSPOOL_CONNECT_H
#define DCMSPOOL_CONNECT_H

#include "err.h"

/*
 * host is a name, an IPv4 or an IPv6 address. timeout_ms bounds all attempts
 * together (not the resolver, which has limits of its own: resolv.conf(5));
 * each address gets an equal share of what is left. Returns the connected
 * socket, blocking and O_CLOEXEC, or -1.
 */
int connect_to(const char *host, int port, int timeout_ms, struct err *err);

/*
 * A socket that listens on 127.0.0.1, for one connection that is never
 * accepted. Returns it and its *port, or -1.
 */
int connect_listen_local(int *port, struct err *err);

#endif
