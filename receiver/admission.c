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
admission_has_room(
    enum child_mode mode, const struct children *children, const char *peer)
{
	return mode == CHILD_SERVE ||
	       (children_rejecting(children) < REJECTING_MAX &&
		   children_of_peer(children, peer, false) < REJECTING_PEER);
}

void
admission_refuse(struct admission *admission, const char *peer)
{
	if (admission->due_ms != ADMISSION_NEVER) {
		admission->refused++;
		return;
	}
	LOG(LOG_LEVEL_WARNING, "not-served", LOG_STR("peer", peer),
	    LOG_STR("error", "too many to reject"));
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
