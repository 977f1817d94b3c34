/*
 * What a child counts and enters: see spool/counters.h and ledger.h.
 *
 * Errors: none.
 */
#include <stdio.h>

#include "../spool/counters.h"
#include "../spool/ledger.h"
#include "../spool/result.h"
#include "account.h"
#include "channel.h"

#define US_PER_MS  1000
#define NAMES_SIZE 512

static void enter(const struct child *child, const char *event,
    const struct log_field *fields);

void
account_received(const struct child *child, const struct conf_route *route,
    const struct item_name *name, uint64_t bytes)
{
	const struct conf_destination *all = child->conf->destinations;
	struct counters *counters = child->shared->counters;
	char file[NAME_ITEM_SIZE], names[NAMES_SIZE] = "";
	size_t i, used = 0;

	counters_received(counters_whole(counters), bytes);
	for (i = 0; i < route->destinations_n; i++) {
		counters_received(
		    counters_of(counters, all[route->destinations[i]].name),
		    bytes);
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used,
			    sizeof(names) - used, "%s%s", i == 0 ? "" : ",",
			    all[route->destinations[i]].name);
	}
	name_format(name, file);
	enter(child, "received",
	    (const struct log_field[]){LOG_STR("item", file),
		LOG_STR("uid", name->uid),
		LOG_STR("association", child->association),
		LOG_STR("peer", child->peer),
		LOG_STR("calling", child->calling_aet),
		LOG_STR("called", child->called_aet),
		LOG_INT("message", name->message_id), LOG_INT("bytes", bytes),
		LOG_STR("destinations", names), LOG_NONE});
}

void
account_answered(const struct child *child, const char *file,
    const struct command *request, int status, int64_t waited_ms)
{
	bool answered = status != RESULT_NO_STATUS;
	bool valid = name_uid_valid(request->sop_instance);

	counters_answered(counters_whole(child->shared->counters), status,
	    waited_ms * US_PER_MS);
	enter(child, answered ? "answered" : "unanswered",
	    (const struct log_field[]){LOG_STR("item", file),
		LOG_STR("uid", valid ? request->sop_instance : ""),
		LOG_STR("association", child->association),
		LOG_INT("message", request->message_id),
		answered ? LOG_HEX("status", status)
			 : LOG_STR("status", "none"),
		LOG_NONE});
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

/* The child may open nothing: it asks for the file that took the name. */
static void
enter(const struct child *child, const char *event,
    const struct log_field *fields)
{
	struct ledger *ledger = child->shared->ledger;

	if (!ledger_write(ledger, event, fields))
		counters_count(counters_whole(child->shared->counters),
		    COUNTERS_LEDGER_ERRORS);
	if (ledger_is_stale(ledger))
		(void)channel_send(child->parent_fd, CHANNEL_LEDGER);
}
