/*
 * A data set, in pieces.
 *
 * Errors: the events of the association; ASSOC_BROKEN for what cannot stand
 * in a data set's place.
 */
#include "data_set.h"
#include "../spool/clock.h"

#define MIN_BYTES_PER_S 100 /* on average over timeout_ms */
#define MS_PER_S	1000

enum assoc_event
data_set_read(struct assoc *assoc, uint8_t context_id, int timeout_ms,
    data_set_take *take, void *context, uint64_t *bytes, struct err *err)
{
	int64_t since_ms = clock_mono_ms(), now_ms;
	uint64_t before = 0;
	enum assoc_event event;
	struct assoc_pdv pdv;

	*bytes = 0;
	do {
		event = assoc_read_pdv(assoc, timeout_ms, &pdv, err);
		if (event == ASSOC_RELEASE) {
			(void)err_set(err, ERR_CORRUPT,
			    "the peer asked for release inside a data set");
			return ASSOC_BROKEN;
		}
		if (event != ASSOC_PDV)
			return event;
		if (pdv.command || pdv.context_id != context_id) {
			(void)err_set(err, ERR_CORRUPT,
			    "a %s fragment on presentation context %u came "
			    "inside a data set on %u",
			    pdv.command ? "command" : "data set",
			    (unsigned)pdv.context_id, (unsigned)context_id);
			return ASSOC_BROKEN;
		}
		*bytes += pdv.size;
		if (take != NULL && pdv.size > 0)
			take(context, pdv.data, pdv.size);
		/* Fragments of a byte, or of none, are allowed, and no
		 * progress. */
		now_ms = clock_mono_ms();
		if (pdv.last || now_ms - since_ms < timeout_ms)
			continue;
		if (*bytes - before <
		    (uint64_t)timeout_ms / MS_PER_S * MIN_BYTES_PER_S) {
			(void)err_set(err, ERR_TEMPORARY,
			    "%d bytes a second are too few",
			    (int)((*bytes - before) * MS_PER_S /
				  (uint64_t)(now_ms - since_ms)));
			return ASSOC_TIMEOUT;
		}
		since_ms = now_ms;
		before = *bytes;
	} while (!pdv.last);
	return ASSOC_PDV;
}
