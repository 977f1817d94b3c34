/*
 * The envelope: what the receiver knows of an instance beyond the instance.
 * A text record of fixed size, padded with spaces, in the item's file meta
 * information (0002,0102), so that it can be completed in place. Pure: no I/O.
 */
#ifndef DCMSPOOL_ENVELOPE_H
#define DCMSPOOL_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "path.h"

#define ENVELOPE_MAGIC	     "dcmspool-envelope 1"
#define ENVELOPE_SIZE	     1024
#define ENVELOPE_AET_SIZE    17 /* 16 characters, PS3.5 6.2 */
#define ENVELOPE_DIGEST_SIZE 33 /* XXH3-128 as 32 hex digits */
#define ENVELOPE_PEER_SIZE   64

struct envelope {
	char association[PATH_ASSOCIATION_SIZE];
	uint16_t message_id;
	char calling_aet[ENVELOPE_AET_SIZE];
	char called_aet[ENVELOPE_AET_SIZE];
	char peer_address[ENVELOPE_PEER_SIZE];
	int64_t received_us; /* real time */
	uint16_t priority;   /* PS3.7 9.3.1.1: 0 medium, 1 high, 2 low */
	char move_aet[ENVELOPE_AET_SIZE]; /* "" = there is none */
	uint16_t move_message_id;
	uint64_t data_set_bytes;
	char digest[ENVELOPE_DIGEST_SIZE]; /* "" while it is being received */
};

/* Fills out with exactly ENVELOPE_SIZE bytes, not terminated. */
int envelope_pack(
    const struct envelope *envelope, char out[ENVELOPE_SIZE], struct err *err);

/* 1 and *envelope; 0 where this is no envelope of ours; -1 (ERR_CORRUPT)
 * where it is one and is broken. */
int envelope_unpack(
    const void *data, size_t size, struct envelope *envelope, struct err *err);

#endif
