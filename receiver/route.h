/*
 * Who may connect, and which route takes what. Pure: no I/O.
 */
#ifndef DCMSPOOL_RECEIVER_ROUTE_H
#define DCMSPOOL_RECEIVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "../spool/conf.h"

/*
 * Whether an AE title, trimmed, matches one of the patterns. One that is
 * empty, or holds control characters or a backslash, is none (PS3.5 6.2) and
 * matches nothing.
 */
bool route_title_matches(
    const struct conf_patterns *patterns, const char *title);

/* Whether a route is for these AE titles, whatever the SOP class. */
bool route_is_for(
    const struct conf_route *route, const char *calling, const char *called);

/* The first route for all three, or NULL. */
const struct conf_route *route_find(const struct conf *conf,
    const char *calling, const char *called, const char *sop_class);

/*
 * Whether it is a SOP class that is stored: a standard one, a retired one, or
 * one of ExtraSOPClasses.
 */
bool route_is_storage(const struct conf *conf, const char *sop_class);

/* Of the transfer syntaxes of a presentation context: explicit, else implicit
 * VR little endian, else the first. NULL where there is no valid UID. */
const char *route_transfer_syntax(const char *const *offered, size_t n);

#endif
