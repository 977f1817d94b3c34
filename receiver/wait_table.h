/*
 * One entry of the table of waits, and what becomes of it. Private to the
 * wait_*.c modules.
 */
#ifndef DCMSPOOL_RECEIVER_WAIT_TABLE_H
#define DCMSPOOL_RECEIVER_WAIT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "verdict.h"
#include "wait.h"

/* One destination of the route, in its order. */
struct wait_destination {
	const char *name;
	bool waited_for;
	bool known;	 /* its marker came */
	bool final;	 /* no other one follows */
	bool has_marker; /* it was read, and is still there */
	bool is_delivered;
	int64_t deadline_ms; /* monotonic */
	struct verdict verdict;
};

struct wait {
	uint16_t message_id; /* the key */
	struct command request;
	uint8_t context_id;
	const struct conf_route *route;
	char file[NAME_ITEM_SIZE];
	char key[NAME_KEY_SIZE];
	int64_t arrived_ms;
	int64_t sync_at_ms; /* when SyncDelay is over */
	struct item_writer *writer;
	bool synced, sync_failed;
	struct wait_destination *destinations;
	size_t destinations_n;
	/* what was answered */
	uint16_t status;
	bool is_good;
	const char *how;
	int64_t answered_ms;
	struct wait *next;
};

/* Reads what markers are there for an entry. */
void wait_look_markers(const struct child *child, struct wait *wait);
/* Removes those that were read: once the answer is out. */
void wait_remove_markers(const struct child *child, struct wait *wait);

/* Sets the deadlines from what is known of links and sender. */
void wait_look_deadlines(const struct child *child, struct wait *wait);

/* Whether each destination that is waited for has a result, or no time left. */
bool wait_is_over(const struct wait *wait, int64_t now_ms);

/* Puts the item on stable storage; 0, or -1 for this and every later call. */
int wait_sync(struct child *child, struct wait *wait);

struct wait_decision {
	struct answer answer;
	bool is_good;	 /* a success or a warning */
	const char *how; /* the class it came from, "accepted" or "sync" */
};

/* As things stand now. What rests on the spool is synced first. */
void wait_decide(
    struct child *child, struct wait *wait, struct wait_decision *decision);

/* Whether every destination, waited for or not, has confirmed. */
bool wait_is_delivered(const struct wait *wait);

#endif
