/*
 * What the sender counts, and puts into the ledger.
 */
#ifndef DCMSPOOL_SENDER_ACCOUNT_H
#define DCMSPOOL_SENDER_ACCOUNT_H

#include "destination.h"

/* What became of an item. */
void account_result(
    const struct destination *dest, const struct result *result);
void account_corrupt(
    const struct destination *dest, const struct result *result);

/* An item was removed without an outcome: "expired", "superseded". */
void account_gone(
    const struct destination *dest, const char *event, const char *file);

/* Once a minute: how much waits for each destination. */
void account_turn(struct sender *sender);

#endif
