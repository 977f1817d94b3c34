/*
 * Who may connect, and which route takes what.
 *
 * Errors: none; it matches, or it does not.
 */
#include <string.h>

#include "../spool/name.h"
#include "route.h"

#define EXPLICIT_LITTLE_ENDIAN "1.2.840.10008.1.2.1"
#define IMPLICIT_LITTLE_ENDIAN "1.2.840.10008.1.2"
#define STORAGE_PREFIX	       "1.2.840.10008.5.1.4.1.1."

/* Those of PS3.6 A.1 that are stored and do not begin with the prefix. */
static const char *const other_storage[] = {
    "1.2.840.10008.5.1.1.27",	 /* Stored Print, retired */
    "1.2.840.10008.5.1.1.29",	 /* Hardcopy Grayscale, retired */
    "1.2.840.10008.5.1.1.30",	 /* Hardcopy Color, retired */
    "1.2.840.10008.5.1.4.34.1",	 /* RT Beams Delivery, trial, retired */
    "1.2.840.10008.5.1.4.34.7",	 /* RT Beams Delivery Instruction */
    "1.2.840.10008.5.1.4.34.10", /* RT Brachy Delivery Instruction */
    "1.2.840.10008.5.1.4.38.1",	 /* Hanging Protocol */
    "1.2.840.10008.5.1.4.39.1",	 /* Color Palette */
    "1.2.840.10008.5.1.4.43.1",	 /* Generic Implant Template */
    "1.2.840.10008.5.1.4.44.1",	 /* Implant Assembly Template */
    "1.2.840.10008.5.1.4.45.1",	 /* Implant Template Group */
};

static bool has_titles(
    const struct conf_route *route, const struct route_peer *peer);
static bool is_title(const char *title);
static bool is_offered(const char *uid, const char *const *offered, size_t n);

bool
route_title_matches(const struct conf_patterns *patterns, const char *title)
{
	return is_title(title) && conf_patterns_match(patterns, title);
}

bool
route_is_for(const struct conf_route *route, const struct route_peer *peer)
{
	return has_titles(route, peer) &&
	       peer_address_matches(&route->peer, peer->address) &&
	       peer_certificate_matches(
		   &route->peer_certificate, peer->certificate);
}

enum route_welcome
route_welcomes(const struct conf *conf, const struct route_peer *peer)
{
	enum route_welcome found = ROUTE_WELCOME;
	size_t i;

	for (i = 0; i < conf->routes_n; i++) {
		if (!has_titles(&conf->routes[i], peer))
			continue;
		if (!peer_address_matches(
			&conf->routes[i].peer, peer->address)) {
			if (found == ROUTE_WELCOME)
				found = ROUTE_NOT_FROM_THERE;
			continue;
		}
		if (peer_certificate_matches(
			&conf->routes[i].peer_certificate, peer->certificate))
			return ROUTE_WELCOME;
		found = ROUTE_NOT_WITH_THAT;
	}
	return found;
}

const struct conf_route *
route_find(const struct conf *conf, const struct route_peer *peer,
    const char *sop_class)
{
	size_t i;

	for (i = 0; i < conf->routes_n; i++)
		if (route_is_for(&conf->routes[i], peer) &&
		    conf_patterns_match(&conf->routes[i].sop_class, sop_class))
			return &conf->routes[i];
	return NULL;
}

bool
route_is_storage(const struct conf *conf, const char *sop_class)
{
	size_t i;

	if (!name_uid_valid(sop_class))
		return false;
	if (strncmp(sop_class, STORAGE_PREFIX, strlen(STORAGE_PREFIX)) == 0)
		return true;
	for (i = 0; i < sizeof(other_storage) / sizeof(other_storage[0]); i++)
		if (strcmp(sop_class, other_storage[i]) == 0)
			return true;
	return conf_patterns_match(
	    &conf->receiver.extra_sop_classes, sop_class);
}

const char *
route_transfer_syntax(const char *const *offered, size_t n)
{
	size_t i;

	if (is_offered(EXPLICIT_LITTLE_ENDIAN, offered, n))
		return EXPLICIT_LITTLE_ENDIAN;
	if (is_offered(IMPLICIT_LITTLE_ENDIAN, offered, n))
		return IMPLICIT_LITTLE_ENDIAN;
	for (i = 0; i < n; i++)
		if (name_uid_valid(offered[i]))
			return offered[i];
	return NULL;
}

static bool
has_titles(const struct conf_route *route, const struct route_peer *peer)
{
	return route_title_matches(&route->remote_aet, peer->calling) &&
	       route_title_matches(&route->local_aet, peer->called);
}

static bool
is_title(const char *title)
{
	const unsigned char *c = (const unsigned char *)title;

	for (; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f || *c == '\\')
			return false;
	return title[0] != '\0';
}

static bool
is_offered(const char *uid, const char *const *offered, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(offered[i], uid) == 0)
			return true;
	return false;
}
