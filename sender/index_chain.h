/*
 * The items of one SOP Instance UID: a treap by stamp. Each node says what
 * is below it, so that its head, and whether somebody waits for one of them,
 * are found without looking at all. Pure.
 */
#ifndef DCMSPOOL_INDEX_CHAIN_H
#define DCMSPOOL_INDEX_CHAIN_H

#include <stdbool.h>

#include "index.h"

/* What an item is, or one below it. */
enum index_mark {
	INDEX_MARK_LIVE = 1,	/* not failed */
	INDEX_MARK_WAITED = 2,	/* somebody waits, and it is not failed */
	INDEX_MARK_BLOCKED = 4, /* in flight, or a suspect */
	INDEX_MARK_ORDERED = 8	/* in one of the orders */
};

/* Each returns the new root. The item is not in the chain, or is in it. */
struct index_item *index_chain_insert(
    struct index_item *root, struct index_item *item);
struct index_item *index_chain_remove(
    struct index_item *root, struct index_item *item);
/* After the item has changed. */
void index_chain_refresh(struct index_item *root, struct index_item *item);

struct index_item *index_chain_find(
    struct index_item *root, int64_t stamp_us, uint16_t message_id);
/* The first behind it, or NULL. */
struct index_item *index_chain_after(
    struct index_item *root, int64_t stamp_us, uint16_t message_id);
/* The first that has the mark, or NULL. */
struct index_item *index_chain_first(
    struct index_item *root, enum index_mark mark);
bool index_chain_has(const struct index_item *root, enum index_mark mark);

#endif
