/*
 * sender/index.c: chains by SOP Instance UID, and the orders of their heads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sender/index.h"
#include "test.h"

#define NOW  1000      /* monotonic ms */
#define LONG INT64_MIN /* nobody has waited too long */

static struct index_item *
add(struct index *index, int64_t stamp_us, const char *uid)
{
	struct item_name name = {.stamp_us = stamp_us, .message_id = 7};
	struct index_item *item;

	(void)strcpy(name.uid, uid);
	item = index_insert(index, &name, QUEUE_NEW);
	CU_ASSERT_PTR_NOT_NULL_FATAL(item);
	index_reorder(index, item, NOW);
	return item;
}

static void
test_by_stamp(void)
{
	struct index_item *a, *b, *c;
	struct index index;

	index_init(&index);
	b = add(&index, 20, "1.9");
	c = add(&index, 30, "1.1");
	a = add(&index, 10, "1.5");
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), a);
	index_remove(&index, a, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), b);
	index_remove(&index, b, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), c);
	index_remove(&index, c, NOW);
	CU_ASSERT_PTR_NULL(index_pick(&index, NOW, LONG));
	CU_ASSERT_EQUAL(index.items_n, 0);
	index_clear(&index);
}

/* A later one of the same UID never passes the earlier one. */
static void
test_chain(void)
{
	struct index_item *first, *second, *other;
	struct index index;

	index_init(&index);
	second = add(&index, 20, "1.1");
	first = add(&index, 10, "1.1");
	other = add(&index, 30, "1.2");
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), first);
	first->in_flight = true;
	index_set_state(&index, first, QUEUE_ACTIVE);
	index_reorder(&index, first, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), other);
	first->in_flight = false;
	index_set_state(&index, first, QUEUE_DEFERRED);
	index_set_due(&index, first, NOW + 500, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), other);
	CU_ASSERT_EQUAL(index_next_due_ms(&index), 0);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW + 500, LONG), first);
	/* One in failed/ bars nobody. */
	index_set_state(&index, first, QUEUE_FAILED);
	index_reorder(&index, first, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), second);
	/* While it is being settled it does. */
	first->in_flight = true;
	index_reorder(&index, first, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), other);
	CU_ASSERT_EQUAL(index.state_n[QUEUE_FAILED], 1);
	CU_ASSERT_EQUAL(index.state_n[QUEUE_NEW], 2);
	index_clear(&index);
}

static void
test_suspect(void)
{
	struct index_item *item;
	struct index index;

	index_init(&index);
	item = add(&index, 10, "1.1");
	item->suspect = true;
	index_reorder(&index, item, NOW);
	CU_ASSERT_PTR_NULL(index_pick(&index, NOW, LONG));
	CU_ASSERT_PTR_EQUAL(index_suspect(&index), item);
	item->suspect = false;
	index_reorder(&index, item, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), item);
	index_clear(&index);
}

static void
test_waited(void)
{
	struct index_item *old, *waited, *behind;
	struct index index;

	index_init(&index);
	old = add(&index, 10, "1.1");
	waited = add(&index, 20, "1.2");
	waited->waited = true;
	index_reorder(&index, waited, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, 15), waited);
	/* Nobody waits that long: then it stands in line again. */
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, 21), old);
	/* Who waits for the second of a chain makes the first go first. */
	(void)add(&index, 30, "1.3");
	behind = add(&index, 40, "1.3");
	behind->waited = true;
	index_reorder(&index, behind, NOW);
	CU_ASSERT_EQUAL(index_pick(&index, NOW, 5)->stamp_us, 30);
	index_clear(&index);
}

static void
test_timer_order(void)
{
	struct index_item *a, *b;
	struct index index;

	index_init(&index);
	a = add(&index, 10, "1.1");
	b = add(&index, 20, "1.2");
	index_set_due(&index, a, NOW + 200, NOW);
	index_set_due(&index, b, NOW + 100, NOW);
	CU_ASSERT_PTR_NULL(index_pick(&index, NOW, LONG));
	CU_ASSERT_EQUAL(index_next_due_ms(&index), NOW + 100);
	index_set_due(&index, b, NOW + 300, NOW);
	CU_ASSERT_EQUAL(index_next_due_ms(&index), NOW + 200);
	b->busy_deferred = true;
	index_wake_busy(&index, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), b);
	CU_ASSERT_EQUAL(index_next_due_ms(&index), 0);
	index_remove(&index, b, NOW);
	CU_ASSERT_EQUAL(index_next_due_ms(&index), NOW + 200);
	index_clear(&index);
}

/* Against a model: the oldest head of all chains, whatever came before. */
static void
test_many(void)
{
	struct item_name name = {.message_id = 7};
	struct index_item *item;
	struct index index;
	int i, n = 0;

	index_init(&index);
	srandom(4711);
	for (i = 0; i < 20000; i++) {
		name.stamp_us = random() % 1000000;
		(void)strcpy(name.uid, "1.");
		name.uid[2] = (char)('0' + random() % 10);
		name.uid[3] = (char)('0' + random() % 10);
		name.uid[4] = '\0';
		if (index_find(&index, &name) != NULL)
			continue;
		(void)add(&index, name.stamp_us, name.uid);
		n++;
	}
	for (i = 0; i < 50; i++) {
		item = index_pick(&index, NOW, LONG);
		CU_ASSERT_PTR_NOT_NULL_FATAL(item);
		CU_ASSERT_PTR_EQUAL(index_head(&index, item->uid), item);
		index_remove(&index, item, NOW);
		n--;
	}
	CU_ASSERT_EQUAL(index.items_n, (size_t)n);
	for (int64_t last = -1; (item = index_pick(&index, NOW, LONG)) != NULL;
	     n--) {
		CU_ASSERT(item->stamp_us >= last);
		last = item->stamp_us;
		index_remove(&index, item, NOW);
	}
	CU_ASSERT_EQUAL(n, 0);
	index_clear(&index);
}

/* One before which another may come to light stays, and what comes behind it;
 * what is known to be the first goes. */
static void
test_unsure(void)
{
	struct index_item *first, *second, *other;
	struct index index;

	index_init(&index);
	second = add(&index, 20, "1.1");
	first = add(&index, 10, "1.1");
	index_set_unsure(&index, first, true, NOW);
	index_set_unsure(&index, second, true, NOW);
	CU_ASSERT_PTR_NULL(index_pick(&index, NOW, LONG));
	CU_ASSERT_FALSE(index_release(&index, NOW));
	other = add(&index, 5, "1.1");
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), other);
	index_remove(&index, other, NOW);
	CU_ASSERT_PTR_NULL(index_pick(&index, NOW, LONG));
	index.sure++;
	CU_ASSERT(index_release(&index, NOW));
	CU_ASSERT_FALSE(index_release(&index, NOW));
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), first);
	other = add(&index, 7, "1.2");
	index_set_unsure(&index, other, true, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), first);
	index_set_unsure(&index, other, false, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), other);
	index_remove(&index, other, NOW);
	index_remove(&index, first, NOW);
	CU_ASSERT_PTR_EQUAL(index_pick(&index, NOW, LONG), second);
	index_clear(&index);
}

/* Each is seen once, though what was seen goes, or others come. */
static void
test_walk(void)
{
	struct item_name name = {.message_id = 7};
	struct index_item *item;
	struct index_walk walk;
	struct index index;
	int i, seen = 0;

	index_init(&index);
	for (i = 0; i < 3000; i++) {
		(void)snprintf(name.uid, sizeof(name.uid), "1.%d", i % 700);
		(void)add(&index, i, name.uid);
	}
	index_walk_begin(&walk);
	while ((item = index_walk(&index, &walk)) != NULL) {
		CU_ASSERT_NOT_EQUAL(item->generation, 1);
		item->generation = 1;
		seen++;
	}
	CU_ASSERT_EQUAL(seen, 3000);
	index_walk_begin(&walk);
	for (seen = 0; (item = index_walk(&index, &walk)) != NULL; seen++)
		index_remove(&index, item, NOW);
	CU_ASSERT(seen > 2900); /* a few may have moved to the end, or not */
	CU_ASSERT_EQUAL(index.items_n, (size_t)(3000 - seen));
	index_clear(&index);
}

/* All of one UID, the newest first: neither deep nor slow. */
static void
test_one_long_chain(void)
{
	struct index_item *item;
	struct index index;
	int64_t i;

	index_init(&index);
	for (i = 200000; i > 0; i--)
		item = add(&index, i, "1.1");
	CU_ASSERT(index_has_follower(&index, item));
	for (i = 1; i <= 200000; i++) {
		item = index_pick(&index, NOW, LONG);
		CU_ASSERT_EQUAL(item->stamp_us, i);
		index_remove(&index, item, NOW);
	}
	CU_ASSERT_PTR_NULL(index_pick(&index, NOW, LONG));
	index_clear(&index);
}

static void
test_wake_busy(void)
{
	struct index_item *item;
	struct index index;
	char uid[16];
	int i, n;

	index_init(&index);
	srandom(815);
	for (i = 0; i < 2000; i++) {
		(void)snprintf(uid, sizeof(uid), "1.%d", i);
		item = add(&index, i, uid);
		item->busy_deferred = i % 3 == 0;
		index_set_due(&index, item, NOW + 1 + random() % 1000, NOW);
	}
	index_wake_busy(&index, NOW);
	for (n = 0; (item = index_pick(&index, NOW, LONG)) != NULL; n++) {
		CU_ASSERT_EQUAL(item->stamp_us, 3 * n);
		index_remove(&index, item, NOW);
	}
	CU_ASSERT_EQUAL(n, 667);
	index_clear(&index);
}

static const struct test_case cases[] = {{"heads by stamp", test_by_stamp},
    {"a chain keeps its order", test_chain},
    {"a suspect stays out", test_suspect},
    {"who waits goes first", test_waited},
    {"the timer's order", test_timer_order},
    {"many, in order to the last", test_many}, {"a walk sees all", test_walk},
    {"what is unsure waits", test_unsure},
    {"one long chain", test_one_long_chain},
    {"what a busy destination deferred", test_wake_busy}, {0}};

TEST_SUITE(index, cases)
