/*
 * The marker of an item that a lane delivers. Its file is made ahead, when the
 * lane has time, for the association that it served last; who waits is told as
 * soon as the destination's answer is here.
 */
#ifndef DCMSPOOL_MARKER_H
#define DCMSPOOL_MARKER_H

#include "../spool/item.h"
#include "lane.h"

struct marker {
	struct fs_replacement file;
	bool begun;
	char association[PATH_ASSOCIATION_SIZE]; /* for which it was begun */
};

/* Makes the file, unless it is there. Nothing happens where nobody waits. */
void marker_prepare(
    struct marker *marker, const struct spool *spool, const char *association);

/* Delivered, with the report's status. Sets report->marked; a marker that
 * cannot be written is left to the parent. */
void marker_write(struct marker *marker, const char *dest,
    const struct lane_job *job, struct lane_report *report);

/* Takes the file away. */
void marker_cancel(struct marker *marker);

#endif
