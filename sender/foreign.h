/*
 * Files in new/ (or deferred/) that have no name of ours: each is inspected
 * by a lane, and gets one when it is a whole instance.
 */
#ifndef DCMSPOOL_FOREIGN_H
#define DCMSPOOL_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../spool/name.h"
#include "../spool/path.h"

struct destination;
struct lane_handle;
struct lane_report;

struct foreign_file {
	TAILQ_ENTRY(foreign_file) next;
	enum queue_state state;
	int64_t due_ms; /* monotonic */
	bool inspected; /* a lane is at it */
	bool changed;	/* since the lane began */
	unsigned deaths;
	char file[NAME_FILE_SIZE];
};
TAILQ_HEAD(foreign_list, foreign_file);

/* As many as somebody puts there at once: found by name, too. */
struct foreign_files {
	struct foreign_list list; /* in the order in which they came */
	void *tree;		  /* tsearch(3) */
};

void foreign_init(struct destination *dest);

/* Takes note of it, or that it changed. Only regular files count. */
void foreign_look(
    struct destination *dest, enum queue_state state, const char *file);

/* Gives the first one that is due to a lane: true, false where none is. */
bool foreign_inspect(struct destination *dest);

void foreign_report(struct lane_handle *lane, const struct lane_report *report);

/* The lane died on it. */
void foreign_lane_died(struct lane_handle *lane);

int64_t foreign_due_ms(const struct destination *dest);
void foreign_clear(struct destination *dest);

#endif
