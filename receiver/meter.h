/*
 * MaxQueueBytes: what the receiver's children make of it, and a process that
 * counts what is queued for the destinations that have a limit, and of peers
 * (see sources.h).
 */
#ifndef DCMSPOOL_RECEIVER_METER_H
#define DCMSPOOL_RECEIVER_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../spool/conf.h"
#include "../spool/confine.h"
#include "../spool/spool.h"
#include "shared.h"

/* Makes room in shared memory for each destination that has a limit; called
 * by the parent. ERR_CONFIG where there are too many. */
int meter_prepare(
    struct shared *shared, const struct conf *conf, struct err *err);

/* The process, as its parent knows it. */
struct meter_process {
	pid_t pid; /* 0 = there is none */
	int fd;
	int64_t due_ms; /* start it then, monotonic; INT64_MAX = not again */
};

#define METER_PROCESS_INIT                                                     \
	{                                                                      \
		.fd = -1, .due_ms = INT64_MAX                                  \
	}

/* What it works on; become is called in it, to close what is the parent's. */
struct meter_job {
	const struct spool *spool;
	struct shared *shared;
	const struct conf *conf;
	const struct confine *confine;
	void (*become)(void *context);
	void *context;
};

/*
 * Starts the process where there is a limit: it counts for ever, at rest nine
 * tenths of the time. Where it cannot be had it is due again in a second.
 */
void meter_start(struct meter_process *process, const struct meter_job *job);
void meter_end(struct meter_process *process);
/* A process has ended: where it is this one, it is due again in a second. */
void meter_reaped(struct meter_process *process, pid_t pid, int wait_status);
/* In a child of the same parent: closes what leads to it. */
void meter_forget(struct meter_process *process);

/* Whether as much as the limit, or more, is queued. */
bool meter_is_full(
    struct shared *shared, const struct conf_destination *destination);
/* So much was published. */
void meter_add(struct shared *shared,
    const struct conf_destination *destination, int64_t bytes);

#endif
