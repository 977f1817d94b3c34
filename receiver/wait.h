/*
 * What the modality waits for: the results of its item's destinations, kept
 * in a table by message ID. The waits of one association run together.
 */
#ifndef DCMSPOOL_RECEIVER_WAIT_H
#define DCMSPOOL_RECEIVER_WAIT_H

#include <stdint.h>

#include "../spool/assoc_dcmtk.h"
#include "../spool/command.h"
#include "../spool/item.h"
#include "child.h"

struct wait_item {
	uint8_t context_id;
	const struct command *request;	/* copied */
	const struct conf_route *route; /* kept */
	const struct item_name *name;	/* copied */
	int64_t arrived_ms;		/* monotonic: it was here as a whole */
};

/* Adds one that was published. Consumes *writer, unless it returns -1. */
int wait_add(struct child *child, const struct wait_item *item,
    struct item_writer **writer, struct err *err);

/*
 * Until all are answered. ASSOC_PDV: they are, and the association goes on;
 * ASSOC_CLOSED: the modality is gone, the items stay queued.
 */
enum assoc_event wait_run(struct child *child, struct err *err);

/* Removes the markers of what was answered, and logs it: when there is time,
 * or the association ends. */
void wait_tidy(struct child *child);

#endif
