/*
 * How often one peer may come.
 *
 * Errors: none. Where more peers come than are remembered, those that owe least
 * are forgotten.
 */
#include <stdio.h>

#include "../spool/peer.h"
#include "pace.h"

#define US_PER_S 1000000

static struct pace_peer *find(struct pace *pace, const char *peer);
static int64_t owes_us(const struct pace_peer *peer, int64_t now_us);

bool
pace_take(struct pace *pace, const char *peer, int per_second, int64_t now_us)
{
	struct pace_peer *found = find(pace, peer);
	int64_t owed_us =
	    owes_us(found, now_us) + (int64_t)US_PER_S / per_second;

	if (owed_us > PACE_CREDIT_US)
		return false;
	found->paid_us = now_us + owed_us;
	return true;
}

/* It is known late, when others of its connections have been served already. */
void
pace_charge_failure(
    struct pace *pace, const char *peer, int per_second, int64_t now_us)
{
	struct pace_peer *found = find(pace, peer);
	int64_t owed_us = owes_us(found, now_us) + (int64_t)US_PER_S *
						       (PACE_FAILURE_COST - 1) /
						       per_second;

	if (owed_us > PACE_DEBT_US)
		owed_us = PACE_DEBT_US;
	found->paid_us = now_us + owed_us;
}

/* Or the one that owes least, in its place. */
static struct pace_peer *
find(struct pace *pace, const char *peer)
{
	struct pace_peer *least = &pace->peers[0];
	size_t i;

	for (i = 0; i < PACE_PEERS; i++) {
		if (pace->peers[i].address[0] != '\0' &&
		    peer_same_host(pace->peers[i].address, peer))
			return &pace->peers[i];
		if (pace->peers[i].paid_us < least->paid_us)
			least = &pace->peers[i];
	}
	(void)snprintf(least->address, sizeof(least->address), "%s", peer);
	least->paid_us = 0;
	return least;
}

static int64_t
owes_us(const struct pace_peer *peer, int64_t now_us)
{
	return peer->paid_us > now_us ? peer->paid_us - now_us : 0;
}
