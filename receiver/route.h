/*
 * Who may connect, and which route takes what. Pure: no I/O.
 */
#ifndef DCMSPOOL_RECEIVER_ROUTE_H
#define DCMSPOOL_RECEIVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "../spool/conf.h"
#include "../spool/peer.h"

/*
 * Whether an AE title, trimmed, matches one of the patterns. One that is
 * empty, or holds control characters or a backslash, is none (PS3.5 6.2) and
 * matches nothing.
 */
bool route_title_matches(
    const struct conf_patterns *patterns, const char *title);

/* Who is at the other end, and as what it calls us. */
struct route_peer {
	const char *calling, *called; /* AE titles, trimmed */
	const char *address;
	const struct peer_certificate *certificate; /* NULL: none */
};

enum route_welcome {
	ROUTE_WELCOME,	      /* a route is for it, or none for its titles */
	ROUTE_NOT_FROM_THERE, /* none of those for its titles has its address */
	ROUTE_NOT_WITH_THAT   /* nor its certificate */
};

/* Whether a route is for it, whatever the SOP class. */
bool route_is_for(
    const struct conf_route *route, const struct route_peer *peer);

/* Whether somebody with these titles may come from there, as that. */
enum route_welcome route_welcomes(
    const struct conf *conf, const struct route_peer *peer);

/* The first route for both, or NULL. */
const struct conf_route *route_find(const struct conf *conf,
    const struct route_peer *peer, const char *sop_class);

/*
 * Whether it is a SOP class that is stored: a standard one, a retired one, or
 * one of ExtraSOPClasses.
 */
bool route_is_storage(const struct conf *conf, const char *sop_class);

/* Of the transfer syntaxes of a presentation context: explicit, else implicit
 * VR little endian, else the first. NULL where there is no valid UID. */
const char *route_transfer_syntax(const char *const *offered, size_t n);

#endif
