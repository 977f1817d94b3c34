/*
 * The index of one destination's queue: chains in a hash table, their heads
 * in heaps.
 *
 * Errors: index_insert is NULL without memory; the item is then found by a
 * later scan. A head that there is no memory to put in order waits for one,
 * too.
 */
#include <string.h>

#include "index.h"
#include "index_chain.h"

_Static_assert(
    offsetof(struct index_item, uid) + NAME_UID_SIZE <= INDEX_POOL_MOST_BYTES,
    "an item with the longest UID has a place");

static void give_chain(struct index_pool *pool, struct index_item *root);
static struct index_item *chain_of(const struct index *index, const char *uid);
static void order_chain(
    struct index *index, struct index_item **root, int64_t now_ms);
static enum index_order order_of(const struct index *index,
    struct index_item *root, const struct index_item *head, int64_t now_ms);
static void take_out(struct index *index, struct index_item *item);
static void put_in(
    struct index *index, struct index_item *item, enum index_order order);

void
index_init(struct index *index)
{
	*index = (struct index){.items_n = 0};
	index_pool_init(&index->pool);
}

void
index_clear(struct index *index)
{
	size_t at;

	for (at = 0; at < index->chains.size; at++)
		give_chain(&index->pool, index->chains.root[at]);
	index_pool_clear(&index->pool);
	index_table_clear(&index->chains);
	for (at = 0; at < INDEX_ORDERS; at++)
		index_heap_clear(&index->heap[at]);
	index_init(index);
}

struct index_item *
index_insert(
    struct index *index, const struct item_name *name, enum queue_state state)
{
	size_t uid_size = strlen(name->uid) + 1, at;
	size_t size = offsetof(struct index_item, uid) + uid_size;
	struct index_item *item;

	/* The compiler may touch the end of the struct as a whole. */
	if (size < sizeof(*item))
		size = sizeof(*item);
	item = index_pool_take(&index->pool, size);
	if (item == NULL)
		return NULL;
	item->stamp_us = name->stamp_us;
	item->message_id = name->message_id;
	(void)memcpy(item->uid, name->uid, uid_size);
	item->state = (uint8_t)state;
	at = index_table_find(&index->chains, item->uid);
	if (at != INDEX_TABLE_NONE) {
		index->chains.root[at] =
		    index_chain_insert(index->chains.root[at], item);
	} else if (index_table_add(&index->chains, item) == -1) {
		index_pool_give(&index->pool, item);
		return NULL;
	} else {
		index_chain_refresh(item, item);
	}
	index->items_n++;
	index->state_n[state]++;
	return item;
}

struct index_item *
index_find(struct index *index, const struct item_name *name)
{
	return index_chain_find(
	    chain_of(index, name->uid), name->stamp_us, name->message_id);
}

struct index_item *
index_find_file(struct index *index, const char *file)
{
	struct item_name name;

	return name_parse(file, &name) ? index_find(index, &name) : NULL;
}

void
index_remove(struct index *index, struct index_item *item, int64_t now_ms)
{
	size_t at = index_table_find(&index->chains, item->uid);
	struct index_item **root = &index->chains.root[at];

	take_out(index, item);
	*root = index_chain_remove(*root, item);
	index->items_n--;
	index->state_n[item->state]--;
	index_pool_give(&index->pool, item);
	if (*root == NULL)
		index_table_remove(&index->chains, at);
	else
		order_chain(index, root, now_ms);
}

void
index_name(const struct index_item *item, struct item_name *name)
{
	name->stamp_us = item->stamp_us;
	name->message_id = item->message_id;
	(void)strcpy(name->uid, item->uid);
}

void
index_file(const struct index_item *item, char file[NAME_ITEM_SIZE])
{
	struct item_name name;

	index_name(item, &name);
	name_format(&name, file);
}

struct index_item *
index_head(struct index *index, const char *uid)
{
	return index_chain_first(chain_of(index, uid), INDEX_MARK_LIVE);
}

struct index_item *
index_after(struct index *index, const struct item_name *name)
{
	return index_chain_after(
	    chain_of(index, name->uid), name->stamp_us, name->message_id);
}

bool
index_has_follower(struct index *index, const struct index_item *item)
{
	return index_chain_after(chain_of(index, item->uid), item->stamp_us,
		   item->message_id) != NULL;
}

bool
index_is_unsure(const struct index *index, const struct index_item *item)
{
	return item->unsure_until > index->sure;
}

void
index_set_unsure(struct index *index, struct index_item *item, bool is_unsure,
    int64_t now_ms)
{
	item->unsure_until = is_unsure ? index->sure + 1 : 0;
	index_reorder(index, item, now_ms);
}

bool
index_release(struct index *index, int64_t now_ms)
{
	struct index_item *item = index_heap_first(&index->heap[INDEX_UNSURE]);

	if (item == NULL || index_is_unsure(index, item))
		return false;
	index_reorder(index, item, now_ms);
	return true;
}

struct index_item *
index_suspect(struct index *index)
{
	return index_heap_first(&index->heap[INDEX_SUSPECT]);
}

void
index_walk_begin(struct index_walk *walk)
{
	*walk = (struct index_walk){.at = 0};
}

struct index_item *
index_walk(struct index *index, struct index_walk *walk)
{
	struct index_item *root, *item;

	for (; walk->at < index->chains.size; walk->at++) {
		root = index->chains.root[walk->at];
		if (root == NULL)
			continue;
		/* Another chain may have moved here. */
		if (strcmp(root->uid, walk->last.uid) != 0) {
			(void)strcpy(walk->last.uid, root->uid);
			walk->last.stamp_us = INT64_MIN;
			walk->last.message_id = 0;
		}
		item = index_chain_after(
		    root, walk->last.stamp_us, walk->last.message_id);
		if (item == NULL)
			continue;
		walk->last.stamp_us = item->stamp_us;
		walk->last.message_id = item->message_id;
		return item;
	}
	return NULL;
}

void
index_set_state(
    struct index *index, struct index_item *item, enum queue_state state)
{
	index->state_n[item->state]--;
	index->state_n[state]++;
	item->state = (uint8_t)state;
	index_chain_refresh(chain_of(index, item->uid), item);
}

void
index_set_due(struct index *index, struct index_item *item, int64_t due_ms,
    int64_t now_ms)
{
	take_out(index, item);
	item->due_ms = due_ms;
	index_reorder(index, item, now_ms);
}

void
index_reorder(struct index *index, struct index_item *item, int64_t now_ms)
{
	size_t at = index_table_find(&index->chains, item->uid);
	struct index_item **root = &index->chains.root[at];

	index_chain_refresh(*root, item);
	order_chain(index, root, now_ms);
}

struct index_item *
index_pick(struct index *index, int64_t now_ms, int64_t since_us)
{
	struct index_item *item;

	while ((item = index_heap_first(&index->heap[INDEX_TIMER])) != NULL &&
	       item->due_ms <= now_ms) {
		index_set_due(index, item, 0, now_ms);
	}
	while ((item = index_heap_first(&index->heap[INDEX_WAITED])) != NULL) {
		if (item->stamp_us >= since_us)
			return item;
		item->waited = false;
		take_out(index, item);
		put_in(index, item, INDEX_READY);
		index_chain_refresh(chain_of(index, item->uid), item);
	}
	return index_heap_first(&index->heap[INDEX_READY]);
}

int64_t
index_next_due_ms(const struct index *index)
{
	struct index_item *item = index_heap_first(&index->heap[INDEX_TIMER]);

	if (index->heap[INDEX_WAITED].n > 0 || index->heap[INDEX_READY].n > 0)
		return 0;
	return item == NULL ? -1 : item->due_ms;
}

/* From the end: what takes the place of one that leaves comes from behind it
 * and was looked at, or from before it and is looked at now. */
void
index_wake_busy(struct index *index, int64_t now_ms)
{
	const struct index_heap *timer = &index->heap[INDEX_TIMER];
	struct index_item *item;
	size_t at;

	for (at = timer->n; at-- > 0;)
		while (at < timer->n && timer->entry[at].item->busy_deferred) {
			item = timer->entry[at].item;
			item->busy_deferred = false;
			index_set_due(index, item, 0, now_ms);
		}
}

static void
give_chain(struct index_pool *pool, struct index_item *root)
{
	if (root == NULL)
		return;
	give_chain(pool, root->before);
	give_chain(pool, root->behind);
	index_pool_give(pool, root);
}

static struct index_item *
chain_of(const struct index *index, const char *uid)
{
	size_t at = index_table_find(&index->chains, uid);

	return at == INDEX_TABLE_NONE ? NULL : index->chains.root[at];
}

static void
order_chain(struct index *index, struct index_item **root, int64_t now_ms)
{
	struct index_item *head, *other;
	enum index_order order;

	while ((other = index_chain_first(*root, INDEX_MARK_ORDERED)) != NULL) {
		take_out(index, other);
		index_chain_refresh(*root, other);
	}
	head = index_chain_first(*root, INDEX_MARK_LIVE);
	order = order_of(index, *root, head, now_ms);
	if (order == INDEX_SUSPECT)
		head = index_chain_first(*root, INDEX_MARK_BLOCKED);
	if (order == INDEX_NOWHERE)
		return;
	put_in(index, head, order);
	index_chain_refresh(*root, head);
}

static enum index_order
order_of(const struct index *index, struct index_item *root,
    const struct index_item *head, int64_t now_ms)
{
	const struct index_item *blocked;

	if (head == NULL)
		return INDEX_NOWHERE;
	blocked = index_chain_first(root, INDEX_MARK_BLOCKED);
	if (blocked != NULL)
		return blocked->in_flight ? INDEX_NOWHERE : INDEX_SUSPECT;
	if (index_is_unsure(index, head))
		return INDEX_UNSURE;
	if (head->due_ms > now_ms)
		return INDEX_TIMER;
	return index_chain_has(root, INDEX_MARK_WAITED) ? INDEX_WAITED
							: INDEX_READY;
}

static void
take_out(struct index *index, struct index_item *item)
{
	if (item->order == INDEX_NOWHERE)
		return;
	index_heap_remove(&index->heap[item->order], item);
	item->order = INDEX_NOWHERE;
}

static void
put_in(struct index *index, struct index_item *item, enum index_order order)
{
	struct index_heap *heap = &index->heap[order];

	if (order == INDEX_WAITED || order == INDEX_READY)
		item->due_ms = 0;
	if (index_heap_reserve(heap, heap->n + 1) == -1) {
		index->unordered = true;
		return;
	}
	item->order = (uint8_t)order;
	index_heap_add(
	    heap, item, order == INDEX_TIMER ? item->due_ms : item->stamp_us);
}
