/*
 * How an outcome is written, for an item and for those that hold the same
 * instance: resends are one job, and one outcome settles them all.
 */
#ifndef DCMSPOOL_TOGETHER_H
#define DCMSPOOL_TOGETHER_H

#include "lanes.h"

/* Fills a result with what the index knows of the item. */
void together_result(struct destination *dest, const struct index_item *item,
    enum result_state state, struct result *result);

/* Adds what the lane reported: status, comment, elements, reason. */
void together_take_report(
    struct result *result, const struct lane_report *report);

/* The item's own record, from the index: 0, or -1 (logged). */
int together_write_record(struct destination *dest, struct index_item *item);

/* item->state -> `to`. NULL where the item is not in the index any more (it
 * is gone, or got another name). A move that fails is logged; it is then
 * where it was. */
struct index_item *together_move(
    struct destination *dest, struct index_item *item, enum queue_state to);

/* Marker, record and move to deferred/ or failed/ for an item that no lane
 * has. NULL as together_move. */
struct index_item *together_put(struct destination *dest,
    struct index_item *item, struct result *result, int64_t due_ms);

/* Marker, record and move to corrupt/; the item leaves the index. */
void together_corrupt(
    struct destination *dest, struct index_item *item, struct result *result);

/*
 * Settles the lane's item: marker, record, move; a delivered one stays in
 * active/ until together_end. Then together_compare, or together_end where
 * the lane cannot compare. told: the lane has written the marker.
 */
void together_begin(struct lane_handle *lane, const struct result *result,
    int64_t due_ms, bool told);

/* Gives the lane the next comparison, or ends. */
void together_compare(struct lane_handle *lane);
void together_report(
    struct lane_handle *lane, const struct lane_report *report);

/* The end of it: lane->item is NULL afterwards. */
void together_end(struct lane_handle *lane);

#endif
