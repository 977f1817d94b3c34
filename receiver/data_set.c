/*
 * A data set, in pieces.
 *
 * Errors: the events of the association; ASSOC_BROKEN for what cannot stand
 * in a data set's place.
 */
#include "data_set.h"
#include "../spool/clock.h"

enum assoc_event
data_set_read(struct assoc *assoc, uint8_t context_id, int timeout_ms,
    data_set_take *take, void *context, uint64_t *bytes, struct err *err)
{
	int64_t progress_ms = clock_mono_ms();
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
		/* Empty fragments are allowed, and no progress. */
		if (pdv.size > 0) {
			progress_ms = clock_mono_ms();
			*bytes += pdv.size;
			if (take != NULL)
				take(context, pdv.data, pdv.size);
		} else if (clock_mono_ms() - progress_ms > timeout_ms) {
			(void)err_set(err, ERR_TEMPORARY,
			    "nothing but empty fragments came");
			return ASSOC_TIMEOUT;
		}
	} while (!pdv.last);
	return ASSOC_PDV;
}
