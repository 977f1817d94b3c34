/*
 * Counting: atomic additions to mapped memory, no system call (the clock is
 * read without one, vdso(7)).
 *
 * Errors: none.
 */
#include <string.h>

#include "clock.h"
#include "counters_private.h"

#define US_PER_S       1000000
#define S_PER_MINUTE   60
#define COUNT_MASK     UINT32_MAX
#define TAG_SHIFT      32
#define TAGGED(tag, n) ((uint64_t)(uint32_t)(tag) << TAG_SHIFT | (n))

static void add(_Atomic uint64_t *cell, uint64_t n);
static void observe(struct counters_block *block,
    enum counters_histogram histogram, int64_t us);
static void tick(struct counters_block *block, enum counters_series series);
static void tick_one(counters_tagged *at, uint32_t tag);

void
counters_count(struct counters_block *block, enum counters_cell cell)
{
	if (block != NULL)
		add(&block->file->cell[cell], 1);
}

void
counters_set(
    struct counters_block *block, enum counters_cell cell, uint64_t value)
{
	if (block != NULL)
		atomic_store_explicit(
		    &block->file->cell[cell], value, memory_order_relaxed);
}

void
counters_received(struct counters_block *block, uint64_t bytes)
{
	if (block == NULL)
		return;
	add(&block->file->cell[COUNTERS_RECEIVED], 1);
	add(&block->file->cell[COUNTERS_RECEIVED_BYTES], bytes);
	tick(block, COUNTERS_SERIES_RECEIVED);
}

void
counters_sent(struct counters_block *block, uint64_t bytes, int64_t answer_us)
{
	if (block == NULL)
		return;
	add(&block->file->cell[COUNTERS_SENT], 1);
	add(&block->file->cell[COUNTERS_SENT_BYTES], bytes);
	observe(block, COUNTERS_ANSWER_TIME, answer_us);
}

void
counters_answered(struct counters_block *block, int status, int64_t waited_us)
{
	enum counters_class which = counters_class_of(status);

	if (block == NULL)
		return;
	add(&block->file->answered[which], 1);
	observe(block, COUNTERS_ANSWER_TIME, waited_us);
	tick(block, which == COUNTERS_SUCCESS || which == COUNTERS_WARNING
			? COUNTERS_SERIES_DELIVERED
			: COUNTERS_SERIES_FAILED);
}

void
counters_outcome(struct counters_block *block, enum counters_outcome outcome,
    int status, int64_t in_spool_us)
{
	if (block == NULL)
		return;
	add(&block->file->outcome[outcome][counters_class_of(status)], 1);
	if (outcome == COUNTERS_DEFERRED)
		return;
	observe(block, COUNTERS_IN_SPOOL, in_spool_us);
	tick(block, outcome == COUNTERS_DELIVERED ? COUNTERS_SERIES_DELIVERED
						  : COUNTERS_SERIES_FAILED);
}

void
counters_act(struct counters_block *block, enum counters_act act)
{
	if (block != NULL)
		add(&block->file->act[act], 1);
}

void
counters_queue(struct counters_block *block, uint64_t waiting)
{
	int64_t minute = clock_real_us() / US_PER_S / S_PER_MINUTE;

	if (block == NULL)
		return;
	if (waiting > COUNT_MASK)
		waiting = COUNT_MASK;
	atomic_store_explicit(&block->file->minutes[COUNTERS_SERIES_QUEUE]
						   [minute % COUNTERS_MINUTES],
	    TAGGED(minute, waiting), memory_order_relaxed);
}

static void
add(_Atomic uint64_t *cell, uint64_t n)
{
	(void)atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

/* A clock that was set back makes no negative times. */
static void
observe(
    struct counters_block *block, enum counters_histogram histogram, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < COUNTERS_BOUNDS && us > counters_bounds_us[i])
		i++;
	add(&block->file->histogram[histogram].bucket[i], 1);
	add(&block->file->histogram[histogram].sum_us, (uint64_t)us);
}

static void
tick(struct counters_block *block, enum counters_series series)
{
	int64_t second = clock_real_us() / US_PER_S;
	int64_t minute = second / S_PER_MINUTE;

	tick_one(&block->file->seconds[series][second % COUNTERS_SECONDS],
	    (uint32_t)second);
	tick_one(&block->file->minutes[series][minute % COUNTERS_MINUTES],
	    (uint32_t)minute);
}

/* The first of a second puts the one of a minute ago away. */
static void
tick_one(counters_tagged *at, uint32_t tag)
{
	uint64_t was = atomic_load_explicit(at, memory_order_relaxed), is;

	do
		is = was >> TAG_SHIFT == tag ? was + 1 : TAGGED(tag, 1);
	while (!atomic_compare_exchange_weak_explicit(
	    at, &was, is, memory_order_relaxed, memory_order_relaxed));
}
