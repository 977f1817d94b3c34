/*
 * dcmspool report: what the page is made of, as JSON.
 */
#ifndef DCMSPOOL_CMD_REPORT_H
#define DCMSPOOL_CMD_REPORT_H

#include "cmd_status.h"
#include "label.h"

#define REPORT_BUCKET_S 300
#define REPORT_BUCKETS	288 /* a day */
#define REPORT_TOP	10  /* slowest, largest */

struct report_series {
	char dest[NAME_DEST_SIZE];
	/* In each bucket; wait is how the number that waits changes in it. */
	int64_t arrived[REPORT_BUCKETS], delivered[REPORT_BUCKETS],
	    failed[REPORT_BUCKETS], wait[REPORT_BUCKETS];
	int64_t wait_before; /* what waited when the day began */
	int64_t wait_now;    /* and what waits now, which is certain */
	bool counted; /* by the daemons: neither items nor logs add to it */
};

struct report_entry {
	char dest[NAME_DEST_SIZE], label[LABEL_SIZE];
	const char *state;
	int64_t value; /* microseconds, or bytes */
};

struct report_top {
	struct report_entry entry[REPORT_TOP]; /* the greatest first */
	size_t n;
};

struct report {
	const struct cmd *cmd;
	struct err *err;
	int64_t begin_us, now_us; /* the last day */
	struct report_series *series;
	size_t series_n;
	struct report_top slowest, largest;
	unsigned logs; /* files that were read */
};

/* cmd_report_day.c: what the daemons have counted, what the items tell, and
 * what the logs tell; in this order. */
int report_take_counters(struct report *report);
int report_take_items(struct report *report);
int report_take_log(struct report *report, const char *file);
json_t *report_day_json(const struct report *report);

/* cmd_report_failed.c: those in failed/ by destination, status and reason,
 * with what to do. */
json_t *report_failed_json(const struct cmd *cmd, struct err *err);

#endif
