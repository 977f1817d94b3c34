/*
 * An A-ASSOCIATE-RQ (PS3.8 9.3.2), looked at before DCMTK makes anything of it.
 * Pure: no I/O.
 */
#ifndef DCMSPOOL_RECEIVER_PRECHECK_H
#define DCMSPOOL_RECEIVER_PRECHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRECHECK_HEADER 6 /* of a PDU: type, reserved, length */

/* Ours; the standard has none but 128 presentation contexts, by their IDs. */
#define PRECHECK_BYTES	    (256 * 1024) /* of the PDU's body */
#define PRECHECK_TRANSFERS  128		 /* of one presentation context */
#define PRECHECK_USER_ITEMS 512

struct precheck {
	const char *why; /* what is wrong, NULL: nothing */
	bool exceeds;	 /* our limits, and not the standard */
};

/*
 * The PDU's header: false where it is not to be read on, and p says why.
 * *bytes of body follow; 0: it is another PDU, which DCMTK deals with.
 */
bool precheck_header(
    const uint8_t header[PRECHECK_HEADER], size_t *bytes, struct precheck *p);

/* The body: false where DCMTK must not see it, and p says why. Whom it is from,
 * and what is proposed, others judge. */
bool precheck_body(const uint8_t *body, size_t bytes, struct precheck *p);

#endif
