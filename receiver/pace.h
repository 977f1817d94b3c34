/*
 * How often one peer may come. A connection costs a process, and what is
 * waiting to be accepted waits behind it: who connects without end would keep
 * all others waiting. Pure: who calls has the clock.
 *
 * Each peer has a second of credit, which comes back with time. A connection
 * costs 1/per_second of a second, and forty times as much where it became no
 * association, if need be on more credit: such a peer waits 10 s at most.
 */
#ifndef DCMSPOOL_RECEIVER_PACE_H
#define DCMSPOOL_RECEIVER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "../spool/envelope.h"

#define PACE_PEERS	  128 /* remembered at once */
#define PACE_CREDIT_US	  1000000
#define PACE_DEBT_US	  10000000 /* by failures */
#define PACE_FAILURE_COST 40

struct pace_peer {
	char address[ENVELOPE_PEER_SIZE];
	int64_t paid_us; /* it owes nothing any more then */
};

/* All zero: nobody owes anything. */
struct pace {
	struct pace_peer peers[PACE_PEERS];
};

/* Whether a connection of that peer is to be served now; then it costs. */
bool pace_take(
    struct pace *pace, const char *peer, int per_second, int64_t now_us);
/* One that was served has become no association. */
void pace_charge_failure(
    struct pace *pace, const char *peer, int per_second, int64_t now_us);

#endif
