/*
 * What the sender counts: see spool/counters.h.
 *
 * Errors: none.
 */
#include "../spool/clock.h"
#include "../spool/counters.h"
#include "account.h"

#define MINUTE_MS 60000

static void count(const struct destination *dest, enum counters_outcome outcome,
    const struct result *result);

void
account_result(const struct destination *dest, const struct result *result)
{
	switch (result->state) {
	case RESULT_DELIVERED:
		count(dest, COUNTERS_DELIVERED, result);
		break;
	case RESULT_DEFERRED:
		count(dest, COUNTERS_DEFERRED, result);
		break;
	case RESULT_FAILED:
		count(dest, COUNTERS_FAILED, result);
		break;
	case RESULT_REMOVED:
		break;
	}
}

void
account_corrupt(const struct destination *dest, const struct result *result)
{
	count(dest, COUNTERS_CORRUPT, result);
}

void
account_turn(struct sender *sender)
{
	int64_t now_ms = clock_mono_ms();
	struct destination *dest;

	if (now_ms < sender->next_account_ms)
		return;
	sender->next_account_ms = now_ms + MINUTE_MS;
	counters_check(sender->counters);
	TAILQ_FOREACH (dest, &sender->destinations, next)
		counters_queue(counters_add(sender->counters, dest->name),
		    dest->index.state_n[QUEUE_NEW] +
			dest->index.state_n[QUEUE_ACTIVE] +
			dest->index.state_n[QUEUE_DEFERRED]);
}

static void
count(const struct destination *dest, enum counters_outcome outcome,
    const struct result *result)
{
	struct item_name name = {.stamp_us = clock_real_us()};
	int64_t now_us = name.stamp_us;

	(void)name_parse(result->item, &name);
	counters_outcome(counters_of(dest->sender->counters, dest->name),
	    outcome, result->status, now_us - name.stamp_us);
}
