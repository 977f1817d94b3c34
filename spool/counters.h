/*
 * Counters that outlive the processes that count: one mapped file for the
 * whole ("counters" in the spool) and one for each destination
 * (queue/<destination>/counters). Any process of the daemons, and dcmspool(1),
 * adds to them, with atomic operations and without a system call; a kill loses
 *nothing, a power cut what the kernel had not written yet.
 *
 * To read them, counters_read():
 *
 *	struct counters_values *v = malloc(sizeof(*v));
 *
 *	if (counters_read(spool->root_fd, "PACS", v, &err) == 1)
 *		for (i = 0; i < COUNTERS_MINUTES; i++)
 *			if (v->minutes[i].queue_known) ...
 *
 * It takes no lock, and works with the daemons running or stopped.
 */
#ifndef DCMSPOOL_COUNTERS_H
#define DCMSPOOL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "spool.h"

#define COUNTERS_MINUTES 1440 /* a day */
#define COUNTERS_SECONDS 64   /* a minute, and what is under way */
#define COUNTERS_BOUNDS	 20   /* of a histogram; one bucket more */

/* Simple ones. */
enum counters_cell {
	COUNTERS_RECEIVED, /* instances; of a destination: queued for it */
	COUNTERS_RECEIVED_BYTES, /* their data sets */
	COUNTERS_SENT,		 /* whole, and answered by the destination */
	COUNTERS_SENT_BYTES,
	COUNTERS_LINK_DOWNS,	/* times that the link went down */
	COUNTERS_ACCEPTED,	/* associations of modalities */
	COUNTERS_REJECTED,	/* connections that came to none */
	COUNTERS_BROKE_OFF,	/* instances that did not come whole */
	COUNTERS_LEDGER_ERRORS, /* lines that could not be written */
	COUNTERS_LANE_DEATHS,
	COUNTERS_PROCESSES,   /* a gauge: associations now; lanes */
	COUNTERS_UP_SINCE_US, /* of a destination's link, real time; 0: it
				 is down, or has not been tried */
	COUNTERS_CELLS = 24   /* with room for more */
};

/* What became of an item for its destination. */
enum counters_outcome {
	COUNTERS_DELIVERED,
	COUNTERS_DEFERRED,
	COUNTERS_FAILED,
	COUNTERS_CORRUPT,
	COUNTERS_OUTCOMES
};

/* Of a C-STORE status (PS3.4 B.2.3, PS3.7 C), by the standard alone. */
enum counters_class {
	COUNTERS_SUCCESS,
	COUNTERS_WARNING,
	COUNTERS_TRANSIENT, /* out of resources and the like */
	COUNTERS_PERMANENT, /* all others */
	COUNTERS_NONE,	    /* there was no status */
	COUNTERS_CLASSES
};

/* What an operator did with dcmspool(1). */
enum counters_act {
	COUNTERS_ACT_RETRY,
	COUNTERS_ACT_HOLD,
	COUNTERS_ACT_RELEASE,
	COUNTERS_ACT_FAIL,
	COUNTERS_ACT_REMOVE,
	COUNTERS_ACT_MOVE,
	COUNTERS_ACT_COPY,
	COUNTERS_ACT_EDIT,
	COUNTERS_ACT_EXPORT,
	COUNTERS_ACT_IMPORT,
	COUNTERS_ACT_PAUSE,
	COUNTERS_ACT_RESUME,
	COUNTERS_ACT_FLUSH,
	COUNTERS_ACT_REPAIR,
	COUNTERS_ACT_EXPIRE,
	COUNTERS_ACTS,
	COUNTERS_ACTS_ROOM = 24
};

enum counters_histogram {
	COUNTERS_IN_SPOOL,    /* arrival to delivery, or to failed/ */
	COUNTERS_ANSWER_TIME, /* sent whole to answered; of the whole: what
				 a modality waited */
	COUNTERS_HISTOGRAMS
};

struct counters;       /* all that one daemon counts in */
struct counters_block; /* of the whole, or of one destination */

/*
 * Maps the counters of the whole, made where they are not there. A file that is
 * not ours or damaged is set aside (".damaged" behind its name), and one that
 * cannot be had is logged and counted in memory until counters_check gets one.
 * NULL and *err only where there is no memory. To be called before the
 * first fork and before a process is confined; there is one in a process.
 */
struct counters *counters_open(const struct spool *spool, struct err *err);
void counters_close(struct counters *counters);

struct counters_block *counters_whole(struct counters *counters);
/* Maps those of a destination that has its folder; NULL where there is no
 * memory. Children that are forked later have them, too. */
struct counters_block *counters_add(
    struct counters *counters, const char *dest);
/* Those that are mapped, or NULL: never a system call. */
struct counters_block *counters_of(
    const struct counters *counters, const char *dest);
/* Looks whether each file is still the one that is mapped, and takes another
 * where it is not; at most once in COUNTERS_CHECK_MS, so call it often. */
#define COUNTERS_CHECK_MS 10000
void counters_check(struct counters *counters);

/* All of these take a block of NULL, and then do nothing. */

void counters_count(struct counters_block *block, enum counters_cell cell);
/* A gauge. */
void counters_set(
    struct counters_block *block, enum counters_cell cell, uint64_t value);
/* An instance came whole, of so many bytes. */
void counters_received(struct counters_block *block, uint64_t bytes);
/* The destination answered an instance, so long after all of it was sent. */
void counters_sent(
    struct counters_block *block, uint64_t bytes, int64_t answer_us);
/* A modality got its answer; status -1: it was gone before. */
void counters_answered(
    struct counters_block *block, int status, int64_t waited_us);
/* status -1: none. in_spool_us: since it arrived; counted where it is
 * delivered or failed. */
void counters_outcome(struct counters_block *block,
    enum counters_outcome outcome, int status, int64_t in_spool_us);
void counters_act(struct counters_block *block, enum counters_act act);
/* How much waits now: new, active and deferred. */
void counters_queue(struct counters_block *block, uint64_t waiting);

/* counters_read.c: what they say. */

struct counters_minute {
	int64_t minute; /* since 1970, UTC; times 60 are seconds */
	uint32_t received, delivered, failed;
	uint32_t queue;	  /* what waited, at the last look in this minute */
	bool queue_known; /* false: no sender looked */
};

struct counters_values {
	uint64_t cell[COUNTERS_CELLS];
	uint64_t outcome[COUNTERS_OUTCOMES][COUNTERS_CLASSES];
	uint64_t answered[COUNTERS_CLASSES];
	uint64_t act[COUNTERS_ACTS];
	struct {
		uint64_t bucket[COUNTERS_BOUNDS + 1]; /* not cumulated */
		uint64_t sum_us;
	} histogram[COUNTERS_HISTOGRAMS];
	/* The last day, oldest first; the last one is the minute that goes on.
	 * Of the whole: delivered is answered with success or a warning, failed
	 * any other answer. */
	struct counters_minute minutes[COUNTERS_MINUTES];
	/* In the last 60 seconds. */
	uint32_t received_60s, delivered_60s, failed_60s;
};

/* The upper bounds of the buckets, microseconds, rising; the last bucket has
 * none. */
extern const int64_t counters_bounds_us[COUNTERS_BOUNDS];

const char *counters_outcome_name(enum counters_outcome outcome);
const char *counters_class_name(enum counters_class which);
const char *counters_act_name(enum counters_act act);
enum counters_class counters_class_of(int status);

/* dest NULL: of the whole. 1 and *values; 0 there are none yet (and *values
 * is zero, with its minutes); -1 for a file that is not ours. now_us: real
 * time, for what the last minute is. */
int counters_read(int root_fd, const char *dest, int64_t now_us,
    struct counters_values *values, struct err *err);

#endif
