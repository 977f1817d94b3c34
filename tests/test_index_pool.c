/*
 * sender/index_pool.c: places of their own, memory that goes back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../sender/index_pool.h"
#include "test.h"

#define MANY 10000

static size_t
bytes_of(size_t i)
{
	return 80 + i % 5 * 11;
}

static bool
is_all(const unsigned char *place, size_t bytes, unsigned char value)
{
	while (bytes-- > 0)
		if (place[bytes] != value)
			return false;
	return true;
}

/* Sizes in turn, given back in an order of their own, and taken again. */
static void
test_own_places(void)
{
	unsigned char **place = calloc(MANY, sizeof(*place));
	struct index_pool pool;
	bool is_ok = true;
	size_t i, step, round;

	CU_ASSERT_PTR_NOT_NULL_FATAL(place);
	index_pool_init(&pool);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < MANY; i++) {
			if (place[i] != NULL)
				continue;
			place[i] = index_pool_take(&pool, bytes_of(i));
			CU_ASSERT_PTR_NOT_NULL_FATAL(place[i]);
			is_ok = is_ok && is_all(place[i], bytes_of(i), 0) &&
				(uintptr_t)place[i] % sizeof(uint64_t) == 0;
			(void)memset(place[i], (int)(i % 255) + 1, bytes_of(i));
		}
		for (step = 0; step < MANY / 2; step++) {
			i = step * 7919 % MANY; /* a prime: each once */
			is_ok = is_ok && is_all(place[i], bytes_of(i),
					     (unsigned char)(i % 255 + 1));
			index_pool_give(&pool, place[i]);
			place[i] = NULL;
		}
	}
	CU_ASSERT(is_ok);
	for (i = 0; i < MANY; i++)
		if (place[i] != NULL)
			index_pool_give(&pool, place[i]);
	CU_ASSERT(pool.chunks_n <= 5);
	index_pool_clear(&pool);
	CU_ASSERT_EQUAL(pool.chunks_n, 0);
	free(place);
}

/* A queue that swings between none and one asks for no memory each time. */
static void
test_keeps_one(void)
{
	struct index_pool pool;
	void *first, *again;
	int i;

	index_pool_init(&pool);
	first = index_pool_take(&pool, 88);
	for (i = 0; i < 3; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(first);
		index_pool_give(&pool, first);
		CU_ASSERT_EQUAL(pool.chunks_n, 1);
		again = index_pool_take(&pool, 88);
		CU_ASSERT_PTR_EQUAL(again, first);
	}
	index_pool_give(&pool, first);
	index_pool_clear(&pool);
	CU_ASSERT_EQUAL(pool.chunks_n, 0);
}

/* One that stays keeps its own chunk only. */
static void
test_one_stays(void)
{
	void **place = calloc(MANY, sizeof(*place));
	struct index_pool pool;
	size_t i, most;

	CU_ASSERT_PTR_NOT_NULL_FATAL(place);
	index_pool_init(&pool);
	for (i = 0; i < MANY; i++) {
		place[i] = index_pool_take(&pool, 88);
		CU_ASSERT_PTR_NOT_NULL_FATAL(place[i]);
	}
	most = pool.chunks_n;
	CU_ASSERT(most > 10);
	for (i = 0; i < MANY; i++)
		if (i != MANY / 2)
			index_pool_give(&pool, place[i]);
	CU_ASSERT(pool.chunks_n <= 2);
	index_pool_give(&pool, place[MANY / 2]);
	index_pool_clear(&pool);
	CU_ASSERT_EQUAL(pool.chunks_n, 0);
	free(place);
}

static const struct test_case cases[] = {
    {"places of their own", test_own_places},
    {"none, one, none", test_keeps_one}, {"one stays", test_one_stays}, {0}};

TEST_SUITE(index_pool, cases)
