/*
 * One destination as the sender's parent sees it: what is queued, its lanes,
 * its link. The parts of it are in scan.c (folders), lanes.c (processes),
 * settle.c (outcomes), down.c (the link) and foreign.c (files without a name of
 * ours).
 */
#ifndef DCMSPOOL_DESTINATION_H
#define DCMSPOOL_DESTINATION_H

#include "chores.h"
#include "foreign.h"
#include "index.h"
#include "lane.h"
#include "scan.h"
#include "sender.h"

#include "../spool/link.h"

struct lane_handle;
TAILQ_HEAD(lane_list, lane_handle);

struct destination {
	TAILQ_ENTRY(destination) next;
	struct sender *sender;
	char name[NAME_DEST_SIZE];
	const struct conf_destination *conf; /* NULL: not configured, or its
						names are not known yet */
	struct index index;
	struct foreign_files foreign;
	bool foreign_next; /* one of those has the next turn */
	struct lane_list lanes;
	int lanes_n;
	int in_flight; /* items that a lane has, or that are being settled */
	int64_t spawn_after_ms;
	int wd[DESTINATION_WATCHES]; /* -1: not watched */
	struct chore chore[CHORES];
	struct scan scan;
	int64_t expired; /* items, in the folder that is being looked through */
	bool paused;

	/* the link: down.c */
	bool is_down;
	bool is_up; /* it has been seen so; at the start it is neither */
	bool probing;
	struct link_down down;
	bool down_written; /* it is on disk, unless somebody took it away */
	int64_t probe_due_ms;
	int64_t last_probe_ms;
	unsigned probe_step;

	/* a destination that answers and has no room: settle.c */
	bool busy;
	unsigned transient_run; /* transient answers in a row */
	unsigned busy_step;
	int64_t busy_until_ms;
};

/* Adds queue/<name>, whether it is configured or not. NULL and *err. */
struct destination *destination_create(
    struct sender *sender, const char *name, struct err *err);
/* Frees it; its lanes are gone. */
void destination_free(struct destination *dest);

/* Its settings; defaults where it is not configured any more. */
const struct conf_destination *destination_settings(
    const struct destination *dest);

/* Takes its settings from the configuration in force now, once its names are
 * known. */
void destination_configure(struct destination *dest);

/* Looks at one name in one folder, of which an event told, or what we did: the
 * only way into the index, with the next one. */
void destination_look(
    struct destination *dest, enum queue_state state, const char *file);
/* The same for a name that a scan has found. */
void destination_find(
    struct destination *dest, enum queue_state state, const char *file);

/* An item is not where it was: forgets it there, and takes it from where else
 * its name is. The item is freed. */
void destination_lost(struct destination *dest, struct index_item *item);
/* An item's end: frees it, and takes another file of its name, where one may
 * be, in its place. */
void destination_forget(struct destination *dest, struct index_item *item);
/* The same search for one that stays, and that no lane has any more. */
void destination_look_around(struct destination *dest, struct index_item *item);

/* A name in queue/<name> itself came or went. */
void destination_look_self(struct destination *dest, const char *file);

/* Gives work to lanes, as far as there is work and as it may be done now. */
void destination_run(struct destination *dest);

/* When destination_run has to be called again without an event: monotonic
 * milliseconds, -1 for never. */
int64_t destination_due_ms(struct destination *dest);

#endif
