/*
 * dcmspool check: what its parts share.
 */
#ifndef DCMSPOOL_CMD_CHECK_H
#define DCMSPOOL_CMD_CHECK_H

#include "cmd_work.h"

struct check {
	const struct cmd *cmd;
	bool repair, json;
	bool sender_runs, receiver_runs;
	uint64_t items, problems, repaired;
	struct cmd_progress progress;
	struct err *err;
};

/*
 * Says one problem, and what was or could be done. repair NULL: nothing can;
 * done: whether it was done now.
 */
void check_problem(struct check *check, bool done, const char *repair,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* cmd_check_items.c: the items of one destination. 0 or -1. */
int check_items(struct check *check, const char *dest);

#endif
