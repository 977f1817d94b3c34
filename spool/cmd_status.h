/*
 * What `dcmspool status` found, and its three ways to say it.
 */
#ifndef DCMSPOOL_CMD_STATUS_H
#define DCMSPOOL_CMD_STATUS_H

#include "cmd.h"
#include "link.h"

#define STATUS_KINDS 4 /* of statuses in failed/ that are told apart */

/* How many in failed/ have which status. */
struct status_kind {
	int status;
	uint64_t count;
	char example[NAME_FILE_SIZE]; /* the first of those that were read */
};

struct status_destination {
	struct cmd_destination destination;
	bool paused;
	bool is_down;
	struct link_down down; /* where is_down */
	uint64_t count[QUEUE_STATES];
	int64_t oldest_us; /* of what waits, real time; 0 = nothing known */
	int64_t next_us;   /* the next attempt of a deferred item, 0 = none */
	int64_t paused_us; /* since when, where paused */
	int64_t up_us;	   /* since when the link is up; 0 = not known */
	struct status_kind kinds[STATUS_KINDS];
	size_t kinds_n;
	/* in the last minute */
	uint32_t received_60s, delivered_60s, failed_60s;
	uint64_t kinds_more; /* those with others, or that were not read */
};

/* Of ours. */
struct status_certificate {
	char whose[NAME_DEST_SIZE]; /* "receiver", or a destination */
	int64_t end_s;		    /* since 1970; 0: it cannot be read */
};

struct status {
	bool sender_runs, receiver_runs;
	int64_t free_bytes, free_inodes;
	int used_percent;
	struct status_destination *destinations;
	size_t n;
	struct status_certificate *certificates;
	size_t certificates_n;
	bool well;
	int64_t now_us;
	/* While it is watched: how fast what waits grows less (negative:
	 * more), items a second, over watched_us; 0 = not known yet. */
	double drain_per_s;
	int64_t watched_us;
};

/* What waits: new, active, deferred. */
uint64_t status_waiting(const struct status_destination *d);

/* All of it but the rate. *status is the caller's, for status_free. */
int status_take(const struct cmd *cmd, struct status *status, struct err *err);
void status_free(struct status *status);

/* cmd_status_certificates.c: how many whole days are left, -1 where it has
 * ended; and whether that needs attention. */
int status_take_certificates(
    const struct cmd *cmd, struct status *status, struct err *err);
int64_t status_days_left(const struct status *status, size_t i);
bool status_certificate_is_near(const struct status *status, size_t i);

/* The object that --json prints; NULL where there is no memory. */
json_t *status_json(const struct cmd *cmd, const struct status *status);

/* "up", "down", "unknown", "not configured" */
const char *status_link_word(
    const struct status *status, const struct status_destination *d);
/* Since when it is that, 0 = not known. */
int64_t status_link_since_us(
    const struct status *status, const struct status_destination *d);
/* The next probe of a link that is down, else the next attempt; 0 = none. */
int64_t status_next_us(const struct status_destination *d);

/* JSON, a table on a terminal, or lines of fields with tabs between. */
int status_print(const struct cmd *cmd, const struct status *status, bool json,
    struct err *err);

/* cmd_status_table.c: the table. */
void status_print_table(const struct cmd *cmd, const struct status *status);

#endif
