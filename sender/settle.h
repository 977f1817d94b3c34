/*
 * From an outcome to what is on disk: records, markers, folders. And to the
 * items that hold the same instance, which one outcome settles.
 */
#ifndef DCMSPOOL_SETTLE_H
#define DCMSPOOL_SETTLE_H

#include "lanes.h"

/* Takes an item for delivery: its folder -> active/. false: it is not there,
 * or not to be tried now. */
bool settle_take(struct destination *dest, struct index_item *item,
    char file[NAME_ITEM_SIZE]);

/* A lane reports on a delivery, or on a comparison after one. */
void settle_report(struct lane_handle *lane, const struct lane_report *report);

/* The lane died on the item that it had, or while it compared. */
void settle_lane_died(struct lane_handle *lane, const char *how);

/* The lane was ended by us. */
void settle_lane_killed(struct lane_handle *lane);

/* Not now: the result becomes deferred, to be tried in delay_ms; or failed,
 * where it has been tried often enough. */
void settle_defer(struct destination *dest, struct index_item *item,
    struct result *result, int64_t delay_ms);

/* The probe after a break of the link told whether it was the link. */
void settle_suspects(struct destination *dest, bool link_is_up);

#endif
