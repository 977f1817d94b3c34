/*
 * A lane: the process that holds one outbound association. Its parent gives
 * it one job at a time and gets one report for each; it touches the queue
 * only by reading, and writes the marker of what it delivered: who waits for
 * it is the next to be woken.
 */
#ifndef DCMSPOOL_LANE_H
#define DCMSPOOL_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../spool/conf.h"
#include "../spool/result.h"
#include "../spool/spool.h"
#include "../spool/tls_dcmtk.h"

enum lane_job_kind {
	LANE_DELIVER, /* send queue/<dest>/<state>/<file> */
	LANE_PROBE,   /* is the link up? associate, C-ECHO where accepted */
	LANE_INSPECT, /* what is this foreign file? */
	LANE_COMPARE  /* is <file> the same instance as <other>? */
};

/* The end of the socket is the order to release and to end. */
struct lane_job {
	enum lane_job_kind kind;
	enum queue_state state, other_state;
	char file[NAME_FILE_SIZE];
	char other[NAME_ITEM_SIZE];
	/* deliver: what is known of it, for the marker */
	bool answer_lost;
	unsigned attempts, breaks, deaths;
	int64_t first_us;
	bool keep; /* compare: where they are the same, one will stand for
		      both: they are on stable storage then */
};

enum lane_outcome {
	LANE_OK,	      /* probe: up; inspect: an instance; compare: the
				 same */
	LANE_DIFFERENT,	      /* compare */
	LANE_ANSWERED,	      /* deliver: the destination gave a status */
	LANE_CONTEXT_REFUSED, /* deliver: this item's, beside accepted ones */
	LANE_UNADDRESSED,     /* deliver: "%called" has nothing to stand for */
	LANE_LINK_FAILED,     /* before a P-DATA of the item */
	LANE_LINK_REFUSED,    /* the same, and an operator has to act */
	LANE_BROKEN,	      /* the link, after the item's first P-DATA */
	LANE_CORRUPT,	      /* the file is not a whole instance */
	LANE_GONE,	      /* the file is not there any more */
	LANE_UNFINISHED,      /* somebody still writes the file */
	LANE_STALE,	 /* the lane may not read this folder: it is another
			    than when the lane began */
	LANE_LOCAL_ERROR /* this machine's: EIO, no memory */
};

struct lane_report {
	enum lane_job_kind kind;
	enum lane_outcome outcome;
	bool about_other; /* compare: the outcome is that of <other> */
	bool answer_lost; /* a try sent all of it, and got no answer */
	bool marked;	  /* who waits was told that it is delivered */
	bool has_envelope;
	uint16_t status;
	char error_comment[RESULT_COMMENT_SIZE];
	uint32_t offending[RESULT_OFFENDING];
	size_t offending_n;
	/* of the file; compare: of <other> */
	char association[PATH_ASSOCIATION_SIZE];
	char sop_instance[NAME_UID_SIZE];
	uint64_t data_set_bytes;
	char reason[RESULT_REASON_SIZE];
};

#define LANE_NOT_DELIVERED (-1)

/* Memory shared with the parent: what a lane that dies cannot report. */
struct counters_block;

struct lane_shared {
	struct counters_block *counters; /* of its destination */
	atomic_bool sent_whole; /* the item that it died on was, unanswered */
	atomic_int delivered;	/* the status with which it was delivered, or
				   LANE_NOT_DELIVERED */
};

/* The process's main function. tls is NULL where there is none. Returns its
 * exit code. */
int lane_main(const struct spool *spool, const struct conf_destination *conf,
    struct tls *tls, struct lane_shared *shared, int socket_fd);

#endif
