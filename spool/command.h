/*
 * DIMSE command sets (PS3.7 6.3.1, E.1): always implicit VR little endian,
 * flat. Only what C-STORE and C-ECHO need. Pure: no I/O, no toolkit.
 */
#ifndef DCMSPOOL_COMMAND_H
#define DCMSPOOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"
#include "err.h"
#include "name.h"
#include "result.h"

#define COMMAND_MAX_SIZE 16384 /* a longer command set is refused */
#define COMMAND_OUT_SIZE 1024  /* what we pack is never longer */

/* (0000,0100) Command Field */
#define COMMAND_C_STORE_RQ  0x0001
#define COMMAND_C_STORE_RSP 0x8001
#define COMMAND_C_ECHO_RQ   0x0030
#define COMMAND_C_ECHO_RSP  0x8030

/* (0000,0800): this value means that there is no data set. */
#define COMMAND_NO_DATA_SET 0x0101

#define COMMAND_VERIFICATION_CLASS "1.2.840.10008.1.1"

struct command {
	uint16_t field;
	char sop_class[NAME_UID_SIZE];	  /* (0000,0002); "" = absent, or not
					     a string of at most 64 characters */
	char sop_instance[NAME_UID_SIZE]; /* (0000,1000); the same */
	bool has_sop_class, has_sop_instance; /* the element was there */
	bool has_message_id;
	uint16_t message_id; /* (0000,0110), or (0000,0120) in a response */
	uint16_t priority;
	uint16_t data_set_type;
	bool has_data_set_type;
	uint16_t status;
	bool has_status;
	char move_aet[ENVELOPE_AET_SIZE];	 /* (0000,1030); "" = absent */
	uint16_t move_message_id;		 /* (0000,1031) */
	char error_comment[RESULT_COMMENT_SIZE]; /* (0000,0902), raw */
	uint32_t offending[RESULT_OFFENDING];	 /* (0000,0901) */
	size_t offending_n;
};

/*
 * -1 (ERR_CORRUPT): not a command set: lengths that do not fit, a group other
 * than 0000, elements out of order or repeated, no Command Field, numbers of
 * a wrong size.
 */
int command_unpack(
    const uint8_t *data, size_t size, struct command *command, struct err *err);

/* Packs what is set: has_* elements, and strings that are not "". */
int command_pack(const struct command *command, uint8_t out[COMMAND_OUT_SIZE],
    size_t *size, struct err *err);

#endif
