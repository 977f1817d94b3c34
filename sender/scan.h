/*
 * One destination's folders as a whole: watched, and scanned at the start,
 * where events were lost, and now and then, since an event is only a hint.
 *
 * Nothing is sent before all names are known once, as the order by SOP
 * Instance UID rests on that. Later a scan stops nothing: only what nobody told
 * of in time waits for its end, in case that an older one of its UID comes to
 * light (index.h, `unsure_until`).
 */
#ifndef DCMSPOOL_SCAN_H
#define DCMSPOOL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "../spool/watch.h"
#include "index.h"

struct destination;

/* The folders of a destination that are watched, and the destination's own */
enum destination_watch {
	DESTINATION_WATCH_NEW,
	DESTINATION_WATCH_DEFERRED,
	DESTINATION_WATCH_FAILED,
	DESTINATION_WATCH_SELF, /* for "paused", and folders made anew */
	DESTINATION_WATCHES
};

enum scan_step {
	SCAN_NEW,
	SCAN_DEFERRED,
	SCAN_FAILED,
	SCAN_ACTIVE, /* S3 -> S2: what no lane has */
	SCAN_KNOWN,  /* all names of the queue are known now */
	SCAN_RELEASE,
	SCAN_SWEEP, /* forgets what is not there any more */
	SCAN_RECORDS,
	SCAN_HOLD, /* the first time, for their stamps, as the rest */
	SCAN_SENT,
	SCAN_CORRUPT,
	SCAN_RENEW,   /* what is empty and large: spool/renew.h */
	SCAN_STAMPED, /* the counter of stamps lies beyond all */
	SCAN_STEPS
};

struct scan {
	bool known;	 /* all names were, once */
	bool stamped;	 /* SCAN_STAMPED was reached, once */
	bool lost;	 /* perhaps events were, since all names were known */
	bool lost_again; /* since this one began */
	bool reorder;	 /* there was no memory to put all in order */
	bool unwatched;	 /* some folder */
	uint32_t generation; /* of the one that runs, or ran last */
	struct index_walk walk;
};

/* Events were lost: all has to be looked at, and at once. */
void scan_after_loss(struct destination *dest);

/* One of its folders has an event. */
void scan_hear(struct destination *dest, enum destination_watch which,
    enum watch_what what, const char *file);

/* For chores.c. */
void scan_begin(struct destination *dest);
bool scan_step(struct destination *dest, unsigned step, int64_t until_us);
int64_t scan_pause_ms(const struct destination *dest);

#endif
