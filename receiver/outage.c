/*
 * Since when a destination cannot be reached.
 *
 * Errors: none; what cannot be read counts as no outage, and is logged.
 */
#include <stdatomic.h>

#include "../spool/clock.h"
#include "../spool/log.h"
#include "links.h"
#include "outage.h"
#include "route.h"

static bool is_unreachable(
    const struct child *child, const struct conf_route *route);

int64_t
outage_of_sender(const struct child *child)
{
	_Atomic int64_t *since = &child->shared->common->sender_absent_since_ms;
	struct err err = {.class = ERR_NONE};
	int64_t before;
	int runs;

	runs = spool_sender_runs(child->queue_fd, &err);
	if (runs == -1) {
		LOG(LOG_LEVEL_WARNING, "sender-unknown",
		    LOG_STR("error", err.text));
		return OUTAGE_NONE;
	}
	if (runs == 1) {
		if (atomic_load(since) != 0 && atomic_exchange(since, 0) != 0)
			LOG(LOG_LEVEL_INFO, "sender-back", LOG_NONE);
		return OUTAGE_NONE;
	}
	before = 0;
	if (atomic_compare_exchange_strong(since, &before, clock_mono_ms()))
		LOG(LOG_LEVEL_WARNING, "sender-absent", LOG_NONE);
	return before != 0 ? before : clock_mono_ms();
}

int64_t
outage_of_link(const struct child *child, const char *dest)
{
	return links_since_ms(child->shared, dest);
}

bool
outage_rejects(const struct child *child)
{
	const struct conf *conf = child->conf;
	size_t i, n = 0;

	for (i = 0; i < conf->routes_n; i++) {
		if (!route_is_for(&conf->routes[i], &child->who))
			continue;
		if (conf->routes[i].on_link_down != CONF_LINK_DOWN_REJECT ||
		    !is_unreachable(child, &conf->routes[i]))
			return false;
		n++;
	}
	return n > 0;
}

static bool
is_unreachable(const struct child *child, const struct conf_route *route)
{
	const struct conf_destination *all = child->conf->destinations;
	size_t i;

	if (outage_of_sender(child) != OUTAGE_NONE)
		return true;
	for (i = 0; i < route->destinations_n; i++)
		if (outage_of_link(child, all[route->destinations[i]].name) ==
		    OUTAGE_NONE)
			return false;
	return true;
}
