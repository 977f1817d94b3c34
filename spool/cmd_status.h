/*
 * What `dcmspool status` found, and its three ways to say it.
 */
#ifndef DCMSPOOL_CMD_STATUS_H
#define DCMSPOOL_CMD_STATUS_H

#include "cmd.h"
#include "link.h"

struct status_destination {
	struct cmd_destination destination;
	bool paused;
	bool is_down;
	struct link_down down; /* where is_down */
	uint64_t count[QUEUE_STATES];
	int64_t oldest_us; /* of what waits, real time; 0 = nothing known */
	int64_t next_us;   /* the next attempt of a deferred item, 0 = none */
};

struct status {
	bool sender_runs, receiver_runs;
	int64_t free_bytes, free_inodes;
	struct status_destination *destinations;
	size_t n;
	bool well;
	int64_t now_us;
};

/* JSON, a table on a terminal, or lines of fields with tabs between. */
int status_print(const struct cmd *cmd, const struct status *status, bool json,
    struct err *err);

#endif
