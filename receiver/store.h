/*
 * One C-STORE: from its request to its answer.
 */
#ifndef DCMSPOOL_RECEIVER_STORE_H
#define DCMSPOOL_RECEIVER_STORE_H

#include <stdint.h>

#include "../spool/assoc_dcmtk.h"
#include "../spool/command.h"
#include "child.h"

/*
 * Receives, spools, waits, answers. The request has a message ID and a data
 * set type. ASSOC_PDV: it was answered, and the association goes on; any
 * other event ended the association, and *err says more.
 */
enum assoc_event store_serve(struct child *child, uint8_t context_id,
    const struct command *request, struct err *err);

#endif
