/*
 * A heap: the four children of a node lie side by side.
 *
 * Errors: -1 where there is no memory.
 */
#include <stdbool.h>
#include <string.h>

#include "index.h"
#include "index_memory.h"

#define CHILDREN   4
#define FIRST_ROOM 64

static bool is_before(
    const struct index_heap_entry *a, const struct index_heap_entry *b);
static void put(
    struct index_heap *heap, size_t at, struct index_heap_entry entry);
static void rise(
    struct index_heap *heap, size_t at, struct index_heap_entry entry);
static void sink(
    struct index_heap *heap, size_t at, struct index_heap_entry entry);

void
index_heap_clear(struct index_heap *heap)
{
	index_memory_free(heap->entry, heap->room * sizeof(*heap->entry));
	*heap = (struct index_heap){.n = 0};
}

int
index_heap_reserve(struct index_heap *heap, size_t n)
{
	size_t room = heap->room;
	struct index_heap_entry *bigger;

	if (n <= room)
		return 0;
	while (room < n)
		room += room / 2 + FIRST_ROOM;
	bigger = index_memory_get(room * sizeof(*bigger));
	if (bigger == NULL)
		return -1;
	if (heap->n > 0)
		(void)memcpy(bigger, heap->entry, heap->n * sizeof(*bigger));
	index_memory_free(heap->entry, heap->room * sizeof(*heap->entry));
	heap->entry = bigger;
	heap->room = room;
	return 0;
}

void
index_heap_add(struct index_heap *heap, struct index_item *item, int64_t key)
{
	rise(heap, heap->n++, (struct index_heap_entry){key, item});
}

void
index_heap_remove(struct index_heap *heap, struct index_item *item)
{
	size_t at = item->heap_at;
	struct index_heap_entry last = heap->entry[--heap->n];

	if (at == heap->n)
		return;
	if (at > 0 && is_before(&last, &heap->entry[(at - 1) / CHILDREN]))
		rise(heap, at, last);
	else
		sink(heap, at, last);
}

struct index_item *
index_heap_first(const struct index_heap *heap)
{
	return heap->n == 0 ? NULL : heap->entry[0].item;
}

static bool
is_before(const struct index_heap_entry *a, const struct index_heap_entry *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	if (a->item->stamp_us != b->item->stamp_us)
		return a->item->stamp_us < b->item->stamp_us;
	if (a->item->message_id != b->item->message_id)
		return a->item->message_id < b->item->message_id;
	return strcmp(a->item->uid, b->item->uid) < 0;
}

static void
put(struct index_heap *heap, size_t at, struct index_heap_entry entry)
{
	heap->entry[at] = entry;
	entry.item->heap_at = (uint32_t)at;
}

static void
rise(struct index_heap *heap, size_t at, struct index_heap_entry entry)
{
	size_t above;

	for (; at > 0; at = above) {
		above = (at - 1) / CHILDREN;
		if (!is_before(&entry, &heap->entry[above]))
			break;
		put(heap, at, heap->entry[above]);
	}
	put(heap, at, entry);
}

static void
sink(struct index_heap *heap, size_t at, struct index_heap_entry entry)
{
	size_t child, best, end;

	while ((child = CHILDREN * at + 1) < heap->n) {
		end = child + CHILDREN < heap->n ? child + CHILDREN : heap->n;
		for (best = child++; child < end; child++)
			if (is_before(&heap->entry[child], &heap->entry[best]))
				best = child;
		if (!is_before(&heap->entry[best], &entry))
			break;
		put(heap, at, heap->entry[best]);
		at = best;
	}
	put(heap, at, entry);
}
