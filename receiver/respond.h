/*
 * Responses to the modality's requests.
 */
#ifndef DCMSPOOL_RECEIVER_RESPOND_H
#define DCMSPOOL_RECEIVER_RESPOND_H

#include <stdint.h>

#include "../spool/command.h"
#include "child.h"
#include "verdict.h"

/* Answers a request, under its own message ID and with its own UIDs. */
int respond(const struct child *child, uint8_t context_id,
    const struct command *request, const struct answer *answer,
    struct err *err);

#endif
