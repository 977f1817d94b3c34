/*
 * The layout of a file of counters; for counters*.c only. All of it is in this
 * machine's byte order; a layout that changes gets another magic.
 */
#ifndef DCMSPOOL_COUNTERS_PRIVATE_H
#define DCMSPOOL_COUNTERS_PRIVATE_H

#include <stdatomic.h>

#include "counters.h"

#define COUNTERS_MAGIC	    "dcmspool-count2"
#define COUNTERS_BYTE_ORDER 0x01020304

struct counters_header {
	char magic[16];
	uint32_t byte_order;
	uint32_t size;		   /* of the file */
	char name[NAME_DEST_SIZE]; /* "" for the whole */
	char padding[256 - 16 - 8 - NAME_DEST_SIZE];
};

/* What a second or a minute is told in: its number in the upper half, the
 * count in the lower, so that an old one is replaced at one instant. */
typedef _Atomic uint64_t counters_tagged;

enum counters_series {
	COUNTERS_SERIES_RECEIVED,
	COUNTERS_SERIES_DELIVERED,
	COUNTERS_SERIES_FAILED,
	COUNTERS_SERIES_QUEUE,
	COUNTERS_SERIES
};

struct counters_file {
	struct counters_header header;
	_Atomic uint64_t cell[COUNTERS_CELLS];
	_Atomic uint64_t outcome[COUNTERS_OUTCOMES][COUNTERS_CLASSES];
	_Atomic uint64_t answered[COUNTERS_CLASSES];
	_Atomic uint64_t act[COUNTERS_ACTS_ROOM];
	struct {
		_Atomic uint64_t bucket[COUNTERS_BOUNDS + 1];
		_Atomic uint64_t sum_us;
	} histogram[COUNTERS_HISTOGRAMS];
	counters_tagged minutes[COUNTERS_SERIES][COUNTERS_MINUTES];
	counters_tagged seconds[COUNTERS_SERIES][COUNTERS_SECONDS];
};

struct counters_block {
	struct counters_block *next;
	char dest[NAME_DEST_SIZE]; /* "" for the whole */
	struct counters_file *file;
	bool is_lost; /* in memory only */
	uint64_t dev, ino;
};

/* "counters", or that of a destination. */
void counters_path(char path[PATH_SIZE], const char *dest);
/* Whether a file begins as ours does, and is ours. */
bool counters_header_valid(
    const struct counters_header *header, int64_t size, const char *dest);

#endif
