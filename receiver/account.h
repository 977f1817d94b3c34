/*
 * What a child counts, and puts into the ledger.
 */
#ifndef DCMSPOOL_RECEIVER_ACCOUNT_H
#define DCMSPOOL_RECEIVER_ACCOUNT_H

#include "../spool/command.h"
#include "child.h"

/* An instance is in the queues of its route. bytes: of its data set. */
void account_received(const struct child *child, const struct conf_route *route,
    const struct item_name *name, uint64_t bytes);
/* It was answered, or nobody was there any more (RESULT_NO_STATUS). file: the
 * item, or "" where it was refused. waited_ms: since it had come whole. */
void account_answered(const struct child *child, const char *file,
    const struct command *request, int status, int64_t waited_ms);
void account_broke_off(const struct child *child);
/* Whether an association came about. */
void account_association(const struct child *child, bool accepted);

#endif
