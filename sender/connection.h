/*
 * A lane's association: opened when needed, kept warm, opened anew where an
 * item needs a presentation context or AE titles that it has not got.
 */
#ifndef DCMSPOOL_CONNECTION_H
#define DCMSPOOL_CONNECTION_H

#include "../spool/item.h"
#include "contexts.h"
#include "lane.h"

struct connection {
	const struct spool *spool;
	const struct conf_destination *conf;
	struct tls *tls;     /* NULL: in the clear */
	int lane_fd;	     /* see connector.h; -1: it connects itself */
	struct assoc *assoc; /* NULL: none */
	bool used;	     /* a response came over it */
	char calling_aet[ENVELOPE_AET_SIZE], called_aet[ENVELOPE_AET_SIZE];
	struct contexts contexts; /* proposed last, and to be proposed */
	size_t proposed_n;	  /* the first so many were proposed */
};

/*
 * Makes sure that there is an association that can carry the item, with
 * *context_id for it. LANE_OK, or LANE_LINK_FAILED, LANE_LINK_REFUSED,
 * LANE_CONTEXT_REFUSED, LANE_UNADDRESSED and *err.
 */
enum lane_outcome connection_prepare(struct connection *connection,
    const struct part10 *part10, uint8_t *context_id, struct err *err);

/*
 * The parts of a probe: the AE titles and what is queued to be proposed; an
 * association with them (*detail may be NULL); C-ECHO where it is accepted,
 * *echoed says whether it was.
 */
enum lane_outcome connection_address(
    struct connection *connection, struct err *err);
void connection_offer(struct connection *connection, enum queue_state state);
enum lane_outcome connection_open(struct connection *connection,
    struct requestor_detail *detail, struct err *err);
enum lane_outcome connection_echo(struct connection *connection,
    uint16_t message_id, bool *echoed, struct err *err);

/* Opens one where there is none, and does a C-ECHO where it is accepted. */
enum lane_outcome connection_probe(
    struct connection *connection, uint16_t message_id, struct err *err);

/* Serves what came over an idle association: release, abort, or nonsense. */
void connection_serve_idle(struct connection *connection);

void connection_release(struct connection *connection);
void connection_abort(struct connection *connection);

#endif
