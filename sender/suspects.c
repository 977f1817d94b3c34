/*
 * Items on which the link broke: was it the link, or the item? The next probe
 * tells.
 *
 * Errors: as settle.c.
 */
#include <stdio.h>

#include "../spool/clock.h"
#include "outcome.h"
#include "settle.h"
#include "together.h"

#define BREAKS_MAX 3 /* of the link on one item: transient */

static void judge_suspect(struct destination *dest, struct index_item *item,
    bool link_is_up, int64_t now_ms);

void
settle_suspects(struct destination *dest, bool link_is_up)
{
	struct index_item *item;

	while ((item = index_suspect(&dest->index)) != NULL)
		judge_suspect(dest, item, link_is_up, clock_mono_ms());
}

/*
 * The link broke while it was sent. If the link is up it may be the item:
 * the third time in a row it has to stand back for the others.
 */
static void
judge_suspect(struct destination *dest, struct index_item *item,
    bool link_is_up, int64_t now_ms)
{
	struct result result;
	int64_t delay_ms;

	item->suspect = false;
	if (link_is_up && item->state != QUEUE_FAILED) {
		item->breaks++;
		if (item->breaks < BREAKS_MAX)
			item->record_due =
			    together_write_record(dest, item) == -1;
	}
	if (item->breaks < BREAKS_MAX || item->state == QUEUE_FAILED) {
		index_reorder(&dest->index, item, now_ms);
		return;
	}
	item->breaks = 0;
	item->attempts++;
	delay_ms =
	    outcome_backoff_ms(destination_settings(dest), item->attempts - 1U);
	together_result(dest, item, RESULT_DEFERRED, &result);
	(void)snprintf(result.reason, sizeof(result.reason),
	    "the link broke while it was sent, %d times; last: %.180s",
	    BREAKS_MAX, dest->down.reason);
	settle_defer(dest, item, &result, delay_ms);
	item = together_put(dest, item, &result, now_ms + delay_ms);
	if (item != NULL)
		destination_look_around(dest, item);
}
