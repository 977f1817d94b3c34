/*
 * The file meta information of a DICOM Part 10 file (PS3.10 7.1): written for
 * items, read from items and from foreign files. Nothing behind it is ever
 * looked at. Pure: no I/O.
 */
#ifndef DCMSPOOL_PART10_H
#define DCMSPOOL_PART10_H

#include "envelope.h"
#include "name.h"

/* An item's header is never larger; a foreign file's may be up to MAX. */
#define PART10_SIZE	2560
#define PART10_MAX_SIZE (64 * 1024)

/* Ours: (0002,0012), (0002,0013), (0002,0100). UIDs below 2.25: PS3.5 B.2. */
#define PART10_IMPLEMENTATION_UID     "2.25.277939838591430663146632064332274914178"
#define PART10_IMPLEMENTATION_VERSION "DCMSPOOL"
#define PART10_PRIVATE_CREATOR_UID                                             \
	"2.25.149966729377242147937493840725190215065"

struct part10 {
	char sop_class[NAME_UID_SIZE];
	char sop_instance[NAME_UID_SIZE];
	char transfer_syntax[NAME_UID_SIZE];
	/* (0002,0016) or (0002,0017), and (0002,0018): "" where not there.
	 * Read only; part10_pack takes them from the envelope. */
	char calling_aet[ENVELOPE_AET_SIZE], called_aet[ENVELOPE_AET_SIZE];
	bool has_envelope;
	struct envelope envelope;
	size_t data_set_offset; /* bytes from the start of the file */
};

/*
 * Writes preamble, prefix and group 0002 and sets *size, which is the same
 * for the same UIDs and AE titles whatever else the envelope holds. The
 * envelope is always written.
 */
int part10_pack(const struct part10 *part10, uint8_t out[PART10_SIZE],
    size_t *size, struct err *err);

/*
 * data is the start of the file: all of it, or at least PART10_MAX_SIZE.
 * -1 is ERR_CORRUPT with the reason: no Part 10 file, no group length, no
 * valid SOP class, instance or transfer syntax UID, a broken envelope.
 */
int part10_unpack(
    const uint8_t *data, size_t size, struct part10 *part10, struct err *err);

#endif
