/*
 * From the results of an item's destinations to the one answer that the
 * modality gets. Pure: no I/O.
 */
#ifndef DCMSPOOL_RECEIVER_VERDICT_H
#define DCMSPOOL_RECEIVER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../spool/result.h"

/* Statuses of a C-STORE response, PS3.4 B.2.3 and PS3.7 C.5 */
#define STATUS_SUCCESS		       0x0000
#define STATUS_INVALID_SOP_INSTANCE    0x0117
#define STATUS_SOP_CLASS_NOT_SUPPORTED 0x0122
#define STATUS_NOT_AUTHORIZED	       0x0124
#define STATUS_UNRECOGNIZED_OPERATION  0x0211
#define STATUS_OUT_OF_RESOURCES	       0xA700
#define STATUS_CANNOT_UNDERSTAND       0xC000

struct answer {
	uint16_t status;
	char error_comment[RESULT_COMMENT_SIZE];
	uint32_t offending[RESULT_OFFENDING];
	size_t offending_n;
};

/* The worse, the larger. */
enum verdict_class {
	VERDICT_SUCCESS,
	VERDICT_WARNING,
	VERDICT_TIMEOUT,
	VERDICT_TRANSIENT,
	VERDICT_PERMANENT
};

struct verdict {
	enum verdict_class class;
	struct answer answer;
};

/* An answer of our own. comment: at most 64 characters, or NULL. */
void verdict_set_answer(
    struct answer *answer, uint16_t status, const char *comment);

/* What one destination's marker means to the modality: its status, comment
 * and offending element unchanged, where there is a status. */
void verdict_of_result(const struct result *result, struct verdict *verdict);

/* No marker came in time. queued: the item is there by its name. */
void verdict_of_timeout(bool queued, struct verdict *verdict);

/* The worse of two; among equals `a`, which may be NULL. */
const struct verdict *verdict_worse(
    const struct verdict *a, const struct verdict *b);

/* "success", "warning", ... */
const char *verdict_class_name(enum verdict_class which);

#endif
