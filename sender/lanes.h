/*
 * The parent's side of its lanes: started when there is work, given one job
 * at a time, heard, and buried.
 */
#ifndef DCMSPOOL_LANES_H
#define DCMSPOOL_LANES_H

#include <sys/types.h>

#include "destination.h"

/* What is being settled after an item's outcome: settle.c. */
struct settlement {
	bool active;
	struct result result;	/* of the item that was tried */
	enum queue_state state; /* the folder it is in now */
	int64_t due_ms;		/* deferred: when it is tried again */
	struct item_name other; /* compared with now, or last */
	bool other_is_queued;	/* not in failed/ */
	bool marker_due;	/* it could not be written */
};

struct lane_handle {
	TAILQ_ENTRY(lane_handle) next;
	struct destination *dest;
	pid_t pid; /* 0: reaped */
	int wait_status;
	int socket_fd;
	struct lane_shared *shared;
	pid_t connector; /* the last that connects for it; 0: reaped */
	int connects;	 /* in this job */
	bool busy;
	bool retiring; /* ends when its job is done */
	struct lane_job job;
	struct index_item *item; /* deliver: the item; else NULL */
	struct settlement settlement;
};

/* An idle lane, the one used last if it can be; started where there is room
 * for one more. NULL: none now. */
struct lane_handle *lanes_get(struct destination *dest);
/* When there is one: 0 now, else monotonic milliseconds, -1 for as soon as one
 * has reported. */
int64_t lanes_due_ms(const struct destination *dest);

/* Gives a job to an idle lane. One that cannot take it has died: that is heard
 * as the end of its socket, like any other death. */
void lanes_give(struct lane_handle *lane, const struct lane_job *job);

/* What came from a lane, so many bytes of it: a report, or a request for a
 * connection. Of anything else it dies. */
void lanes_take(
    struct lane_handle *lane, struct lane_report *said, size_t size);

/* Idle lanes end now, busy ones after their job. */
void lanes_retire(struct destination *dest);

/* Kills all; items go back to new/. */
void lanes_kill(struct destination *dest);

/* Reaps the children that have ended. */
void lanes_reap(struct sender *sender);

#endif
