/*
 * One order of the index: a heap with four children a node, which knows
 * where each item is. Pure.
 */
#ifndef DCMSPOOL_INDEX_HEAP_H
#define DCMSPOOL_INDEX_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct index_item;

struct index_heap_entry {
	int64_t key; /* then by stamp, message ID and UID */
	struct index_item *item;
};

struct index_heap {
	struct index_heap_entry *entry;
	size_t n, room;
};

void index_heap_clear(struct index_heap *heap);
/* Makes room for so many in all. 0, -1: no memory. */
int index_heap_reserve(struct index_heap *heap, size_t n);
/* There is room for it. */
void index_heap_add(
    struct index_heap *heap, struct index_item *item, int64_t key);
void index_heap_remove(struct index_heap *heap, struct index_item *item);
/* The first; NULL where there is none. */
struct index_item *index_heap_first(const struct index_heap *heap);

#endif
