/*
 * What the sender counts and enters: see spool/counters.h and ledger.h.
 *
 * Errors: none.
 */
#include <stdio.h>

#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/ledger.h"
#include "account.h"

#define MINUTE_MS 60000

static void enter(const struct destination *dest, const char *event,
    const struct result *result);
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
	enter(dest, result_state_name(result->state), result);
}

void
account_corrupt(const struct destination *dest, const struct result *result)
{
	count(dest, COUNTERS_CORRUPT, result);
	enter(dest, "corrupt", result);
}

void
account_gone(
    const struct destination *dest, const char *event, const char *file)
{
	struct result result = {.status = RESULT_NO_STATUS};

	(void)snprintf(result.item, sizeof(result.item), "%s", file);
	enter(dest, event, &result);
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
		if (dest->scan.known)
			counters_queue(
			    counters_add(sender->counters, dest->name),
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

/* Not the error comment: it may hold patient data. */
static void
enter(const struct destination *dest, const char *event,
    const struct result *result)
{
	struct item_name name = {.uid = ""};

	(void)name_parse(result->item, &name);
	if (!LEDGER(dest->sender->ledger, event, LOG_STR("item", result->item),
		LOG_STR("uid", name.uid), LOG_STR("destination", dest->name),
		LOG_STR("association", result->association),
		result->status == RESULT_NO_STATUS
		    ? LOG_STR("status", "none")
		    : LOG_HEX("status", result->status),
		LOG_INT("attempts", result->attempts)))
		counters_count(counters_whole(dest->sender->counters),
		    COUNTERS_LEDGER_ERRORS);
}
