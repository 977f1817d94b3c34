/*
 * The link to a destination: up, or down with one probe at a time.
 */
#ifndef DCMSPOOL_DOWN_H
#define DCMSPOOL_DOWN_H

#include "destination.h"

/* A delivery or a probe found it down. `loud`: an operator has to act.
 * `suspected`: it broke on an item, and is probed at once. */
void down_begin(
    struct destination *dest, const char *reason, bool loud, bool suspected);

/* Something was answered: it is up, and so is full speed. */
void down_end(struct destination *dest);

/* At the start and after a reload: the record that an earlier sender left, or
 * "not configured". */
void down_restore(struct destination *dest);

/* Looks whether the link record is there: an operator who takes it away wants
 * a probe now. */
void down_look(struct destination *dest);

/* Somebody waits: a probe is due now, RetryMin after the last one. */
void down_hurry(struct destination *dest);

/* Sends the probe if it is due and there is a lane for it. */
void down_probe(struct destination *dest);
void down_probed(
    struct destination *dest, bool ok, const char *reason, bool loud);

#endif
