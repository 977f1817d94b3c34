/*
 * What a status of the destination means for an item, and how long to wait
 * before the next try. Pure: no I/O.
 */
#ifndef DCMSPOOL_OUTCOME_H
#define DCMSPOOL_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "../spool/conf.h"

enum outcome_class {
	OUTCOME_DELIVERED,
	OUTCOME_TRANSIENT,
	OUTCOME_PERMANENT,
	OUTCOME_NOT_FINAL /* pending, cancel: not for C-STORE, a broken peer */
};

/*
 * By StatusClass, else by PS3.7 C and PS3.4 B.2.3. answer_lost: an earlier try
 * of this item was sent whole and its answer lost, so that 0x0111 (duplicate
 * SOP instance) says that it arrived.
 */
enum outcome_class outcome_of_status(
    const struct conf_destination *conf, unsigned status, bool answer_lost);

/*
 * RetryMin doubled `step` times, at most RetryMax, less up to a quarter of it
 * at random, so that many do not come back at the same instant; never less
 * than RetryMin. Milliseconds.
 */
int64_t outcome_backoff_ms(const struct conf_destination *conf, unsigned step);

#endif
