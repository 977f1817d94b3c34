/*
 * What a child counts: see spool/counters.h.
 *
 * Errors: none.
 */
#include "../spool/counters.h"
#include "account.h"

#define US_PER_MS 1000

void
account_received(
    const struct child *child, const struct conf_route *route, uint64_t bytes)
{
	const struct conf_destination *all = child->conf->destinations;
	struct counters *counters = child->shared->counters;
	size_t i;

	counters_received(counters_whole(counters), bytes);
	for (i = 0; i < route->destinations_n; i++)
		counters_received(
		    counters_of(counters, all[route->destinations[i]].name),
		    bytes);
}

void
account_answered(const struct child *child, int status, int64_t waited_ms)
{
	counters_answered(counters_whole(child->shared->counters), status,
	    waited_ms * US_PER_MS);
}

void
account_broke_off(const struct child *child)
{
	counters_count(
	    counters_whole(child->shared->counters), COUNTERS_BROKE_OFF);
}

void
account_association(const struct child *child, bool accepted)
{
	counters_count(counters_whole(child->shared->counters),
	    accepted ? COUNTERS_ACCEPTED : COUNTERS_REJECTED);
}
