/*
 * -n of the daemons: AE titles, routes and destinations that do not meet.
 *
 * Errors: none; they are what is printed.
 */
#include <string.h>

#include "preflight.h"

static void check_order(const struct preflight *p);
static void check_titles(const struct preflight *p);
static void check_let_in(const struct preflight *p, size_t route,
    const char *key, const struct conf_patterns *wanted,
    const struct conf_patterns *let_in);
static void check_taken(const struct preflight *p);
static void check_destinations(const struct preflight *p);
static bool takes_all(const struct conf_route *route);
static bool is_all(const struct conf_patterns *patterns);
static bool is_literal(const char *pattern);
static bool has_route(const struct conf *conf, size_t destination);

void
preflight_routes(const struct preflight *p)
{
	check_order(p);
	check_titles(p);
	check_taken(p);
	check_destinations(p);
}

/* The first match wins. */
static void
check_order(const struct preflight *p)
{
	size_t i;

	for (i = 0; i + 1 < p->conf->routes_n; i++) {
		if (!takes_all(&p->conf->routes[i]))
			continue;
		preflight_note(p,
		    "routes[%zu] takes everything, so that the routes behind "
		    "it are never used: put it last",
		    i);
		return;
	}
}

static void
check_titles(const struct preflight *p)
{
	const struct conf_receiver *receiver = &p->conf->receiver;
	const struct conf_route *route;
	size_t i;

	for (i = 0; i < p->conf->routes_n; i++) {
		route = &p->conf->routes[i];
		check_let_in(p, i, "RemoteAET", &route->remote_aet,
		    &receiver->remote_aet);
		check_let_in(
		    p, i, "LocalAET", &route->local_aet, &receiver->local_aet);
	}
}

static void
check_let_in(const struct preflight *p, size_t route, const char *key,
    const struct conf_patterns *wanted, const struct conf_patterns *let_in)
{
	size_t i;

	for (i = 0; i < wanted->n; i++)
		if (is_literal(wanted->pattern[i]) &&
		    !conf_patterns_match(let_in, wanted->pattern[i]))
			preflight_note(p,
			    "routes[%zu].%s means %s, which is rejected: add "
			    "it to receiver.%s, and see that case and spelling "
			    "are the same",
			    route, key, wanted->pattern[i], key);
}

/* Who is let in, and finds no route, has every presentation context refused. */
static void
check_taken(const struct preflight *p)
{
	const struct conf_patterns *let_in = &p->conf->receiver.remote_aet;
	size_t i, k;

	for (i = 0; i < let_in->n; i++) {
		if (!is_literal(let_in->pattern[i]))
			continue;
		for (k = 0; k < p->conf->routes_n; k++)
			if (conf_patterns_match(&p->conf->routes[k].remote_aet,
				let_in->pattern[i]))
				break;
		if (k == p->conf->routes_n)
			preflight_note(p,
			    "receiver.RemoteAET lets %s in, and no route takes "
			    "what it sends: add it to RemoteAET of a route",
			    let_in->pattern[i]);
	}
}

static void
check_destinations(const struct preflight *p)
{
	static const char *const here[] = {
	    "localhost", "127.0.0.1", "::1", NULL};
	const struct conf_destination *dest;
	size_t i, k;

	for (i = 0; i < p->conf->destinations_n; i++) {
		dest = &p->conf->destinations[i];
		if (!has_route(p->conf, i))
			preflight_note(p,
			    "destinations[%zu], %s, is in no route, and gets "
			    "nothing new: add it to DuplexTargetConfigNames of "
			    "one",
			    i, dest->name);
		for (k = 0; here[k] != NULL; k++)
			if (strcmp(dest->remote_host, here[k]) == 0 &&
			    dest->remote_port == p->conf->receiver.port)
				preflight_note(p,
				    "destinations[%zu], %s, is our own "
				    "receiver, so that instances go round: "
				    "write another RemoteHost or RemotePort",
				    i, dest->name);
	}
}

static bool
takes_all(const struct conf_route *route)
{
	return is_all(&route->remote_aet) && is_all(&route->local_aet) &&
	       is_all(&route->peer) && is_all(&route->peer_certificate) &&
	       is_all(&route->sop_class);
}

static bool
is_all(const struct conf_patterns *patterns)
{
	size_t i;

	for (i = 0; i < patterns->n; i++)
		if (strcmp(patterns->pattern[i], "*") == 0)
			return true;
	return false;
}

static bool
is_literal(const char *pattern)
{
	return strpbrk(pattern, "*?[") == NULL;
}

static bool
has_route(const struct conf *conf, size_t destination)
{
	size_t i, k;

	for (i = 0; i < conf->routes_n; i++)
		for (k = 0; k < conf->routes[i].destinations_n; k++)
			if (conf->routes[i].destinations[k] == destination)
				return true;
	return false;
}
