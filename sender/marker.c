/*
 * Markers, the lane's part.
 *
 * Errors: none to the caller; the parent writes what was not written here, and
 * says why it cannot.
 */
#include <string.h>

#include "../spool/clock.h"
#include "marker.h"

void
marker_prepare(
    struct marker *marker, const struct spool *spool, const char *association)
{
	if (marker->begun && strcmp(marker->association, association) == 0)
		return;
	marker_cancel(marker);
	marker->begun = result_begin_marker(spool->root_fd, association,
			    &marker->file, NULL) == 1;
	if (marker->begun)
		(void)strcpy(marker->association, association);
}

/* S3 -> S4, dcmspool-spool(5) */
void
marker_write(struct marker *marker, const char *dest,
    const struct lane_job *job, struct lane_report *report)
{
	struct result result = {.state = RESULT_DELIVERED,
	    .status = report->status,
	    .attempts = job->attempts,
	    .breaks = job->breaks,
	    .deaths = job->deaths,
	    .answer_lost = job->answer_lost || report->answer_lost,
	    .first_us = job->first_us,
	    .last_us = clock_real_us()};
	struct item_name name;

	if (!marker->begun ||
	    strcmp(marker->association, report->association) != 0 ||
	    !name_parse(job->file, &name))
		return;
	result.message_id = name.message_id;
	(void)strcpy(result.item, job->file);
	(void)strcpy(result.association, report->association);
	(void)strcpy(result.sop_instance, name.uid);
	(void)strcpy(result.destination, dest);
	(void)memcpy(result.error_comment, report->error_comment,
	    sizeof(result.error_comment));
	(void)memcpy(
	    result.offending, report->offending, sizeof(result.offending));
	result.offending_n = report->offending_n;
	report->marked =
	    result_finish_marker(&marker->file, &result, NULL) == 0;
	marker->begun = false;
}

void
marker_cancel(struct marker *marker)
{
	if (marker->begun)
		fs_replace_cancel(&marker->file);
	marker->begun = false;
}
