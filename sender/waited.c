/*
 * How long somebody may wait for what is queued.
 *
 * Errors: none.
 */
#include "waited.h"

#define US_PER_S  1000000
#define MARGIN_US 1000000

static bool waits_for(const struct conf *conf, const struct conf_route *route,
    const struct conf_destination *destination);

int64_t
waited_longest_us(
    const struct conf *conf, const struct conf_destination *destination)
{
	const struct conf_route *route;
	int64_t longest_us = 0, us;

	for (route = conf->routes; route < conf->routes + conf->routes_n;
	     route++) {
		us = (int64_t)route->response_timeout_s * US_PER_S + MARGIN_US;
		if (us > longest_us && waits_for(conf, route, destination))
			longest_us = us;
	}
	return longest_us;
}

static bool
waits_for(const struct conf *conf, const struct conf_route *route,
    const struct conf_destination *destination)
{
	size_t i;

	for (i = 0; i < route->destinations_n; i++)
		if (&conf->destinations[route->destinations[i]] == destination)
			return route->answer_when == CONF_ANSWER_DELIVERED &&
			       route->wait_for[i];
	return false;
}
