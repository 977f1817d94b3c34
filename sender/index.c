/*
 * The index of one destination's queue, on red-black trees (libbsd's tree.h).
 *
 * Errors: index_insert is NULL without memory; the item is then found by a
 * later scan.
 */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"

struct key {
	alignas(struct index_item) char space[sizeof(struct index_item) +
					      NAME_UID_SIZE];
};

static int compare_uid(const struct index_item *, const struct index_item *);
static int compare_order(const struct index_item *, const struct index_item *);
static const struct index_item *make_key(
    struct key *key, const char *uid, int64_t stamp_us, uint16_t message_id);
static void take_out(struct index *index, struct index_item *item);
static void put_in(
    struct index *index, struct index_item *item, enum index_order order);
static struct index_order_tree *tree_of(
    struct index *index, enum index_order order);

/* tree.h marks what a tree may not use with it, and leaves it to us. */
#define __unused __attribute__((__unused__))

RB_GENERATE_STATIC(index_uid_tree, index_item, by_uid, compare_uid)
RB_GENERATE_STATIC(index_order_tree, index_item, by_order, compare_order)

void
index_init(struct index *index)
{
	*index = (struct index){.items_n = 0};
	RB_INIT(&index->by_uid);
	RB_INIT(&index->waited);
	RB_INIT(&index->ready);
	RB_INIT(&index->timer);
}

void
index_clear(struct index *index)
{
	struct index_item *item;

	while ((item = RB_ROOT(&index->by_uid)) != NULL) {
		take_out(index, item);
		RB_REMOVE(index_uid_tree, &index->by_uid, item);
		free(item);
	}
	index_init(index);
}

struct index_item *
index_insert(
    struct index *index, const struct item_name *name, enum queue_state state)
{
	size_t uid_size = strlen(name->uid) + 1;
	struct index_item *item;

	item = calloc(1, sizeof(*item) + uid_size);
	if (item == NULL)
		return NULL;
	item->stamp_us = name->stamp_us;
	item->message_id = name->message_id;
	(void)memcpy(item->uid, name->uid, uid_size);
	item->state = (uint8_t)state;
	if (RB_INSERT(index_uid_tree, &index->by_uid, item) != NULL)
		abort(); /* the caller looked for it before */
	index->items_n++;
	index->state_n[state]++;
	return item;
}

struct index_item *
index_find(struct index *index, const struct item_name *name)
{
	struct key key;

	return RB_FIND(index_uid_tree, &index->by_uid,
	    (struct index_item *)(uintptr_t)make_key(
		&key, name->uid, name->stamp_us, name->message_id));
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
	char uid[NAME_UID_SIZE];

	(void)strcpy(uid, item->uid);
	take_out(index, item);
	RB_REMOVE(index_uid_tree, &index->by_uid, item);
	index->items_n--;
	index->state_n[item->state]--;
	free(item);
	index_reorder(index, uid, now_ms);
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
	struct index_item *item;

	for (item = index_first(index, uid);
	     item != NULL && item->state == QUEUE_FAILED;
	     item = index_next(item))
		continue;
	return item;
}

struct index_item *
index_first(struct index *index, const char *uid)
{
	struct index_item *item;
	struct key key;

	item = RB_NFIND(index_uid_tree, &index->by_uid,
	    (struct index_item *)(uintptr_t)make_key(&key, uid, INT64_MIN, 0));
	return item != NULL && strcmp(item->uid, uid) == 0 ? item : NULL;
}

struct index_item *
index_next(struct index_item *item)
{
	struct index_item *next;

	next = RB_NEXT(index_uid_tree, &index->by_uid, item);
	return next != NULL && strcmp(next->uid, item->uid) == 0 ? next : NULL;
}

struct index_item *
index_any(struct index *index)
{
	return RB_MIN(index_uid_tree, &index->by_uid);
}

struct index_item *
index_any_next(struct index_item *item)
{
	return RB_NEXT(index_uid_tree, &index->by_uid, item);
}

void
index_set_state(
    struct index *index, struct index_item *item, enum queue_state state)
{
	index->state_n[item->state]--;
	index->state_n[state]++;
	item->state = (uint8_t)state;
}

void
index_set_due(struct index *index, struct index_item *item, int64_t due_ms,
    int64_t now_ms)
{
	take_out(index, item);
	item->due_ms = due_ms;
	index_reorder(index, item->uid, now_ms);
}

void
index_reorder(struct index *index, const char *uid, int64_t now_ms)
{
	struct index_item *head = NULL, *item;
	bool waited = false, blocked = false;

	for (item = index_first(index, uid); item != NULL;
	     item = index_next(item)) {
		take_out(index, item);
		blocked = blocked || item->in_flight || item->suspect;
		if (item->state == QUEUE_FAILED)
			continue;
		waited = waited || item->waited;
		if (head == NULL)
			head = item;
	}
	if (head == NULL || blocked)
		return;
	if (head->due_ms > now_ms)
		put_in(index, head, INDEX_TIMER);
	else
		put_in(index, head, waited ? INDEX_WAITED : INDEX_READY);
}

struct index_item *
index_pick(struct index *index, int64_t now_ms, int64_t since_us)
{
	struct index_item *item;

	while ((item = RB_MIN(index_order_tree, &index->timer)) != NULL &&
	       item->due_ms <= now_ms) {
		index_set_due(index, item, 0, now_ms);
	}
	while ((item = RB_MIN(index_order_tree, &index->waited)) != NULL) {
		if (item->stamp_us >= since_us)
			return item;
		item->waited = false;
		take_out(index, item);
		put_in(index, item, INDEX_READY);
	}
	return RB_MIN(index_order_tree, &index->ready);
}

int64_t
index_next_due_ms(struct index *index)
{
	struct index_item *item = RB_MIN(index_order_tree, &index->timer);

	return item == NULL ? -1 : item->due_ms;
}

void
index_wake_busy(struct index *index, int64_t now_ms)
{
	struct index_item *item, *next;

	RB_FOREACH_SAFE (item, index_order_tree, &index->timer, next)
		if (item->busy_deferred) {
			item->busy_deferred = false;
			index_set_due(index, item, 0, now_ms);
		}
}

static int
compare_uid(const struct index_item *a, const struct index_item *b)
{
	int by_uid = strcmp(a->uid, b->uid);

	if (by_uid != 0)
		return by_uid;
	if (a->stamp_us != b->stamp_us)
		return a->stamp_us < b->stamp_us ? -1 : 1;
	return (int)a->message_id - (int)b->message_id;
}

/* Outside the timer's order due_ms is 0. */
static int
compare_order(const struct index_item *a, const struct index_item *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	if (a->stamp_us != b->stamp_us)
		return a->stamp_us < b->stamp_us ? -1 : 1;
	return compare_uid(a, b);
}

static const struct index_item *
make_key(
    struct key *key, const char *uid, int64_t stamp_us, uint16_t message_id)
{
	struct index_item *item = (struct index_item *)(void *)key->space;

	item->stamp_us = stamp_us;
	item->message_id = message_id;
	(void)strcpy(item->uid, uid);
	return item;
}

static void
take_out(struct index *index, struct index_item *item)
{
	if (item->order == INDEX_NOWHERE)
		return;
	RB_REMOVE(index_order_tree,
	    tree_of(index, (enum index_order)item->order), item);
	item->order = INDEX_NOWHERE;
}

static void
put_in(struct index *index, struct index_item *item, enum index_order order)
{
	if (order != INDEX_TIMER)
		item->due_ms = 0;
	item->order = (uint8_t)order;
	RB_INSERT(index_order_tree, tree_of(index, order), item);
}

static struct index_order_tree *
tree_of(struct index *index, enum index_order order)
{
	switch (order) {
	case INDEX_WAITED:
		return &index->waited;
	case INDEX_READY:
		return &index->ready;
	case INDEX_TIMER:
		return &index->timer;
	case INDEX_NOWHERE:
		break;
	}
	abort();
}
