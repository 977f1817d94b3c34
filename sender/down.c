/*
 * The link: U (up) and D (down, probed). D is on disk as queue/<dest>/down.
 *
 * Errors: a link record that cannot be written or removed is logged; the
 * state in memory counts.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/fs.h"
#include "down.h"
#include "lanes.h"
#include "outcome.h"
#include "settle.h"

static void set_up(struct destination *dest, bool is_up);
static void write_record(struct destination *dest);
static void plan_probe(struct destination *dest, int64_t delay_ms);

void
down_begin(
    struct destination *dest, const char *reason, bool loud, bool suspected)
{
	bool was_down = dest->is_down;

	(void)snprintf(
	    dest->down.reason, sizeof(dest->down.reason), "%s", reason);
	if (was_down)
		return; /* another lane found it first; a probe is planned */
	dest->is_down = true;
	set_up(dest, false);
	counters_count(counters_of(dest->sender->counters, dest->name),
	    COUNTERS_LINK_DOWNS);
	dest->down.since_us = clock_real_us();
	dest->down.since_mono_ms = clock_mono_ms();
	dest->down.probes = 0;
	clock_boot_id(dest->down.boot_id);
	dest->probe_step = 0;
	dest->last_probe_ms = clock_mono_ms();
	LOG(loud ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "link-down",
	    LOG_STR("destination", dest->name),
	    LOG_STR("reason", dest->down.reason));
	plan_probe(dest, suspected ? 0 : outcome_backoff_ms(dest->conf, 0));
}

void
down_end(struct destination *dest)
{
	struct err err;

	set_up(dest, true);
	if (!dest->is_down)
		return;
	dest->is_down = false;
	if (link_remove_down(dest->sender->spool.root_fd, dest->name, &err) ==
	    -1)
		LOG(LOG_LEVEL_ERROR, "link-record-not-removed",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	LOG(LOG_LEVEL_INFO, "link-up", LOG_STR("destination", dest->name),
	    LOG_INT("down-ms", clock_mono_ms() - dest->down.since_mono_ms),
	    LOG_INT("probes", dest->down.probes));
}

void
down_restore(struct destination *dest)
{
	struct err err = {.class = ERR_NONE};
	int there;

	set_up(dest, false);
	there = link_read_down(
	    dest->sender->spool.root_fd, dest->name, &dest->down, &err);
	if (there == 1)
		dest->down.since_mono_ms = link_down_since_mono_ms(&dest->down);
	if (there == -1) {
		LOG(LOG_LEVEL_WARNING, "link-record-broken",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
		there = 0;
	}
	if (there == 0) {
		dest->down = (struct link_down){.since_us = clock_real_us(),
		    .since_mono_ms = clock_mono_ms()};
		clock_boot_id(dest->down.boot_id);
	}
	if (dest->conf == NULL) {
		dest->is_down = true;
		dest->down.next_probe_us = 0;
		(void)strcpy(dest->down.reason, "not configured");
		LOG(LOG_LEVEL_WARNING, "not-configured",
		    LOG_STR("destination", dest->name),
		    LOG_INT("items", dest->index.items_n));
		write_record(dest);
	} else if (there == 1) {
		dest->is_down = true;
		dest->probe_step = 0;
		plan_probe(dest, 0);
	}
}

void
down_look(struct destination *dest)
{
	char path[PATH_SIZE];
	struct stat st;

	if (!dest->is_down || dest->conf == NULL || dest->probing ||
	    !dest->down_written)
		return;
	path_down(path, dest->name);
	if (fs_stat(dest->sender->spool.root_fd, path, &st, NULL) != 0)
		return;
	LOG(LOG_LEVEL_INFO, "probe-wanted", LOG_STR("destination", dest->name));
	dest->probe_step = 0;
	plan_probe(dest, 0);
}

void
down_hurry(struct destination *dest)
{
	int64_t soon_ms;

	if (!dest->is_down || dest->conf == NULL || dest->probing)
		return;
	soon_ms = dest->last_probe_ms + (int64_t)dest->conf->retry_min_s * 1000;
	if (soon_ms < dest->probe_due_ms)
		dest->probe_due_ms = soon_ms;
}

void
down_probe(struct destination *dest)
{
	const struct lane_job job = {.kind = LANE_PROBE};
	struct lane_handle *lane;

	if (dest->probing || clock_mono_ms() < dest->probe_due_ms)
		return;
	lane = lanes_get(dest);
	if (lane == NULL)
		return;
	dest->probing = true;
	lanes_give(lane, &job);
}

void
down_probed(struct destination *dest, bool ok, const char *reason, bool loud)
{
	dest->probing = false;
	if (!dest->is_down)
		return; /* a delivery that was under way told before */
	dest->last_probe_ms = clock_mono_ms();
	if (ok)
		down_end(dest);
	settle_suspects(dest, ok);
	if (ok || dest->conf == NULL)
		return;
	dest->down.probes++;
	(void)snprintf(
	    dest->down.reason, sizeof(dest->down.reason), "%s", reason);
	LOG(loud ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "probe-failed",
	    LOG_STR("destination", dest->name),
	    LOG_STR("reason", dest->down.reason));
	plan_probe(dest, outcome_backoff_ms(dest->conf, dest->probe_step));
	if (dest->probe_step < 32)
		dest->probe_step++;
}

/* Since when it is up, for who reads the counters. */
static void
set_up(struct destination *dest, bool is_up)
{
	if (dest->is_up == is_up)
		return;
	dest->is_up = is_up;
	counters_set(counters_of(dest->sender->counters, dest->name),
	    COUNTERS_UP_SINCE_US, is_up ? (uint64_t)clock_real_us() : 0);
}

static void
plan_probe(struct destination *dest, int64_t delay_ms)
{
	dest->probe_due_ms = clock_mono_ms() + delay_ms;
	dest->down.next_probe_us = clock_real_us() + delay_ms * 1000;
	write_record(dest);
}

static void
write_record(struct destination *dest)
{
	struct err err;

	dest->down_written = link_write_down(dest->sender->spool.root_fd,
				 dest->name, &dest->down, &err) == 0;
	if (!dest->down_written)
		LOG(LOG_LEVEL_ERROR, "link-record-not-written",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
}
