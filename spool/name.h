/*
 * An item's name is its key: <stamp>-m<message ID>-<SOP Instance UID>.dcm.
 * Pure: no I/O.
 */
#ifndef DCMSPOOL_NAME_H
#define DCMSPOOL_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define NAME_UID_SIZE  65  /* 64 characters, PS3.5 9.1 */
#define NAME_ITEM_SIZE 104 /* 31 "-" 64 ".dcm" and the end */
#define NAME_FILE_SIZE 256 /* any file name, NAME_MAX and the end */
#define NAME_KEY_SIZE  32  /* <stamp>-m<message ID> */
#define NAME_DEST_SIZE 65

struct item_name {
	int64_t stamp_us; /* when it was published, real time */
	uint16_t message_id;
	char uid[NAME_UID_SIZE];
};

/*
 * A UID that may stand in a path: 1 to 64 of [0-9.], begins and ends with a
 * digit, no empty component. Leading zeros in a component are let through:
 * they are wrong (PS3.5 9.1), common, and do no harm.
 */
bool name_uid_valid(const char *uid);

/* A destination's name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}. */
bool name_destination_valid(const char *name);

/* The uid must be valid. */
void name_format(const struct item_name *name, char out[NAME_ITEM_SIZE]);

/* 1 and *name where `file` is a name of ours, to the letter; else 0. */
int name_parse(const char *file, struct item_name *name);

/* "<stamp>-m<message ID>", the part that result markers are named by. */
void name_key_format(const struct item_name *name, char out[NAME_KEY_SIZE]);

/* Whether the queue looks at a file of this name at all: "*.dcm", no dot
 * in front. */
bool name_is_item(const char *file);

#endif
