/*
 * Commands over an association, with their limits kept.
 */
#ifndef DCMSPOOL_DIMSE_H
#define DCMSPOOL_DIMSE_H

#include "assoc_dcmtk.h"
#include "command.h"

/*
 * Reads a whole command set (at most COMMAND_MAX_SIZE). ASSOC_PDV means that
 * *command and *context_id are set; ASSOC_BROKEN also that it was too long, on
 * a context that was not accepted, mixed with data PDVs, or no command set.
 */
enum assoc_event dimse_read_command(struct assoc *assoc, int timeout_ms,
    struct command *command, uint8_t *context_id, struct err *err);

/* Packs and sends it, in fragments that the peer takes. */
int dimse_send_command(struct assoc *assoc, uint8_t context_id,
    const struct command *command, int timeout_ms, struct err *err);

#endif
