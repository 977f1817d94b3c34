/*
 * What became of an item: the result marker for the receiver's child that
 * waits, and the record that goes with a queued item. One format, two places.
 */
#ifndef DCMSPOOL_RESULT_H
#define DCMSPOOL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "fs_replace.h"
#include "path.h"

#define RESULT_MAGIC	    "dcmspool-result 1"
#define RESULT_SIZE	    4096
#define RESULT_COMMENT_SIZE 257 /* LO has 64 characters, of up to 4 bytes */
#define RESULT_REASON_SIZE  256
#define RESULT_OFFENDING    16 /* attribute tags kept of (0000,0901) */
#define RESULT_NO_STATUS    (-1)

enum result_state {
	RESULT_DELIVERED,
	RESULT_DEFERRED,
	RESULT_FAILED,
	RESULT_REMOVED
};

struct result {
	char item[NAME_FILE_SIZE];
	char association[PATH_ASSOCIATION_SIZE]; /* "" for a foreign item */
	uint16_t message_id;
	char sop_instance[NAME_UID_SIZE];
	char destination[NAME_DEST_SIZE];
	enum result_state state;
	int status; /* 0 to 0xFFFF; RESULT_NO_STATUS: the link failed */
	char error_comment[RESULT_COMMENT_SIZE]; /* may hold patient data */
	uint32_t offending[RESULT_OFFENDING];	 /* 0xGGGGEEEE */
	size_t offending_n;
	char reason[RESULT_REASON_SIZE]; /* in words, never patient data */
	unsigned attempts;		 /* that counted */
	unsigned breaks;  /* link breaks while it was sent, in a row */
	unsigned deaths;  /* lanes that died on it */
	bool answer_lost; /* it was sent whole once, and no answer came */
	int64_t first_us, last_us, next_us; /* real time; 0 = none */
};

const char *result_state_name(enum result_state state);

/* Pure. *size without the NUL. */
int result_pack(const struct result *result, char out[RESULT_SIZE],
    size_t *size, struct err *err);
/* -1 is ERR_CORRUPT. */
int result_unpack(
    const char *text, size_t size, struct result *result, struct err *err);

/*
 * Publishes the marker for result->association. 1 written, 0 nobody waits
 * (no association, or its folder is not there), -1.
 */
int result_write_marker(
    int root_fd, const struct result *result, struct err *err);

/*
 * The same in two steps, the first of them while there is time: then not even
 * its name has to be known. Begin: 1, then finish or cancel it; 0 nobody waits;
 * -1. Finish: 0, or -1.
 */
int result_begin_marker(int root_fd, const char *association,
    struct fs_replacement *marker, struct err *err);
int result_finish_marker(struct fs_replacement *marker,
    const struct result *result, struct err *err);

/* 1 and *result, 0 not there, -1. The file is removed by the caller. */
int result_read_marker(int root_fd, const char *association, const char *key,
    const char *dest, struct result *result, struct err *err);

/* The item's own record, queue/<dest>/result/<item>. Read: 1, 0, -1. */
int result_write_record(
    int root_fd, const struct result *result, struct err *err);
int result_read_record(int root_fd, const char *dest, const char *item,
    struct result *result, struct err *err);

#endif
