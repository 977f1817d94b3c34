/*
 * What becomes of a connection.
 *
 * Errors: none.
 */
#include "../spool/clock.h"
#include "../spool/log.h"
#include "../spool/peer.h"
#include "admission.h"

#define REJECTING_MAX  32 /* children that only reject */
#define REJECTING_PEER 4  /* of them, for one peer */
#define LOG_MS	       1000
#define PER_SECOND     400 /* of one peer, at least */

static int per_second(const struct conf_receiver *receiver);

enum child_mode
admission_mode(const struct conf_receiver *receiver,
    const struct children *children, const char *peer)
{
	if (!peer_address_matches(&receiver->peer, peer))
		return CHILD_REJECT_ADDRESS;
	if (children_of_peer(children, peer, true) >=
	    (size_t)receiver->max_associations_per_peer)
		return CHILD_REJECT_PEER_LIMIT;
	if (children_serving(children) >= (size_t)receiver->max_associations)
		return CHILD_REJECT_LIMIT;
	return CHILD_SERVE;
}

bool
admission_has_room(struct admission *admission,
    const struct conf_receiver *receiver, enum child_mode mode,
    const struct children *children, const char *peer)
{
	if (mode != CHILD_SERVE &&
	    (children_rejecting(children) >= REJECTING_MAX ||
		children_of_peer(children, peer, false) >= REJECTING_PEER))
		return false;
	return pace_take(
	    &admission->pace, peer, per_second(receiver), clock_mono_us());
}

void
admission_failed(struct admission *admission,
    const struct conf_receiver *receiver, const char *peer)
{
	pace_charge_failure(
	    &admission->pace, peer, per_second(receiver), clock_mono_us());
}

void
admission_refuse(struct admission *admission, const char *peer)
{
	if (admission->due_ms != ADMISSION_NEVER) {
		admission->refused++;
		return;
	}
	LOG(LOG_LEVEL_WARNING, "not-served", LOG_STR("peer", peer),
	    LOG_STR("error", "too many connections of its"));
	admission->due_ms = clock_mono_ms() + LOG_MS;
}

void
admission_turn(struct admission *admission)
{
	if (clock_mono_ms() < admission->due_ms)
		return;
	if (admission->refused > 0)
		LOG(LOG_LEVEL_WARNING, "more-not-served",
		    LOG_INT("connections", admission->refused));
	admission->refused = 0;
	admission->due_ms = ADMISSION_NEVER;
}

/* As many as may be open at once, so that there is one limit to raise. */
static int
per_second(const struct conf_receiver *receiver)
{
	return receiver->max_associations_per_peer > PER_SECOND
		   ? receiver->max_associations_per_peer
		   : PER_SECOND;
}
