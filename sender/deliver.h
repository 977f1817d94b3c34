/*
 * One item over a lane's association: C-STORE-RQ, data set, C-STORE-RSP.
 */
#ifndef DCMSPOOL_DELIVER_H
#define DCMSPOOL_DELIVER_H

#include "connection.h"
#include "marker.h"

struct deliver {
	struct connection *connection;
	struct lane_shared *shared;
	struct item_digest *digest;
	uint8_t *block;	     /* DELIVER_BLOCK_BYTES */
	uint16_t message_id; /* the lane's own count */
	struct marker marker;
};

#define DELIVER_BLOCK_BYTES 131072

/*
 * Sends the item, fills the report, and tells who waits for it that it is
 * delivered, where it is. Length and digest are checked before
 * the last PDV goes out. An association that was there before and breaks
 * before any response is replaced once.
 */
void deliver_item(struct deliver *deliver, const struct lane_job *job,
    struct item_reader *reader, struct lane_report *report);

/* The next message ID, 1 to 65535. */
uint16_t deliver_next_message_id(struct deliver *deliver);

#endif
