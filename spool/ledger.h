/*
 * The ledger: a file of its own with one line for each event that matters to an
 * audit, in the form of the log, with the word "ledger" in the place of the
 * level. Never patient data. dcmspool-spool(5) lists the events, and says what
 *a crash can lose.
 *
 *	LEDGER(ledger, "delivered", LOG_STR("item", name),
 *	    LOG_HEX("status", status));
 *
 * Each line is one write(2) to a file that is open for appending, so that
 * several processes may write at a time. Who finds another file, or none, under
 * the ledger's name opens that: it may be renamed away at any time
 * (logrotate(8)). A process that may open nothing is handed the file.
 */
#ifndef DCMSPOOL_LEDGER_H
#define DCMSPOOL_LEDGER_H

#include <stdbool.h>

#include "err.h"
#include "log.h"

struct ledger;

#define LEDGER(l, event, ...)                                                  \
	ledger_write(                                                          \
	    (l), (event), (const struct log_field[]){__VA_ARGS__, LOG_NONE})

/*
 * path "": there is none, and nothing is written. The folder is made where its
 * own parent is there. What cannot be opened is logged, and tried again with
 * later lines. NULL and *err where there is no memory.
 */
struct ledger *ledger_open(const char *path, struct err *err);
/* Another path, "" for none. -1 and *err where there is no memory. */
int ledger_move(struct ledger *ledger, const char *path, struct err *err);
void ledger_close(struct ledger *ledger);

/* Use LEDGER(); NULL is a ledger that is none. false where the line is lost: that was logged, once until a
 * line is written again. */
bool ledger_write(
    struct ledger *ledger, const char *event, const struct log_field *fields);

/* From here on this process opens nothing, and may be handed the file. */
void ledger_confine(struct ledger *ledger);
/* Whether another file, or none, has its name now. Looked at once a second. */
bool ledger_is_stale(struct ledger *ledger);
/* What is open now, the right file if there is one: -1 for none. It stays the
 * ledger's. */
int ledger_fd(struct ledger *ledger);
/* Consumes fd. */
void ledger_take(struct ledger *ledger, int fd);

#endif
