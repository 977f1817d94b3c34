/*
 * Stamps: unique in all processes, never backwards; and the locks by UID.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/stamp.h"
#include "test.h"
#include "test_fixture.h"

#define PROCESSES 4
#define STAMPS	  20000
#define UID_A	  "1.2.3"

static void *
shared(size_t size)
{
	void *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	return memory;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void
are_unique_in_all_processes(void)
{
	int64_t *all = shared(PROCESSES * STAMPS * sizeof(*all));
	struct stamp_source *source = stamp_source_create(0, NULL);
	int p, i, wrong = 0, status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	for (p = 0; p < PROCESSES; p++)
		if (fork() == 0) {
			for (i = 0; i < STAMPS; i++)
				all[p * STAMPS + i] = stamp_next(source);
			_exit(0);
		}
	for (p = 0; p < PROCESSES; p++)
		CU_ASSERT_TRUE(wait(&status) > 0 && status == 0);
	for (p = 0; p < PROCESSES; p++)
		for (i = 1; i < STAMPS; i++)
			wrong += all[p * STAMPS + i] <= all[p * STAMPS + i - 1];
	CU_ASSERT_EQUAL(wrong, 0); /* each process saw them rise */
	qsort(all, PROCESSES * STAMPS, sizeof(*all), compare);
	for (i = 1; i < PROCESSES * STAMPS; i++)
		wrong += all[i] == all[i - 1];
	CU_ASSERT_EQUAL(wrong, 0);
	(void)munmap(all, PROCESSES * STAMPS * sizeof(*all));
	stamp_source_free(source);
}

static void
follow_the_clock(void)
{
	struct stamp_source *source = stamp_source_create(0, NULL);
	int64_t before = clock_real_us(), stamp, after;

	stamp = stamp_next(source);
	after = clock_real_us();
	CU_ASSERT_TRUE(stamp >= before && stamp <= after);
	stamp_source_free(source);
}

static void
never_run_backwards(void)
{
	int64_t future = clock_real_us() + (int64_t)86400 * 1000000;
	struct stamp_source *source = stamp_source_create(future, NULL);

	CU_ASSERT_EQUAL(stamp_next(source), future + 1);
	CU_ASSERT_EQUAL(stamp_next(source), future + 2);
	stamp_source_free(source);
}

/* Beyond what the spool holds, but not what no clock ever said. */
static void
lie_beyond_names(void)
{
	struct stamp_source *source = stamp_source_create(0, NULL);
	int64_t now = clock_real_us(), hour = INT64_C(3600) * 1000000, stamp;

	stamp_raise(source, now + 2 * hour);
	stamp_raise(source, now + hour);
	CU_ASSERT_EQUAL(stamp_next(source), now + 2 * hour + 1);
	stamp_raise(source, now + STAMP_AHEAD_US + hour);
	stamp = stamp_next(source);
	CU_ASSERT_EQUAL(stamp, now + 2 * hour + 2);
	stamp_source_free(source);
}

struct counting {
	struct stamp_source *source;
	volatile int64_t *count;
};

/* Each step is a read, a look at the clock, and a write. */
static int
count_up(void *context)
{
	struct counting *counting = context;
	int64_t seen;
	int i;

	(void)alarm(20);
	for (i = 0; i < 5000; i++) {
		stamp_lock_uid(counting->source, UID_A);
		seen = *counting->count;
		(void)stamp_next(counting->source);
		*counting->count = seen + 1;
		stamp_unlock_uid(counting->source, UID_A);
	}
	return 0;
}

/* What several processes count at once: none may be lost. */
static void
check_that_one_gets_in(struct stamp_source *source)
{
	volatile int64_t *count = shared(sizeof(*count));
	struct counting counting = {source, count};
	int p, status;

	for (p = 0; p < PROCESSES; p++)
		if (fork() == 0)
			_exit(count_up(&counting));
	for (p = 0; p < PROCESSES; p++)
		CU_ASSERT_TRUE(wait(&status) > 0 && status == 0);
	CU_ASSERT_EQUAL(*count, PROCESSES * 5000);
}

static void
one_at_a_time(void)
{
	struct stamp_source *source = stamp_source_create(0, NULL);

	check_that_one_gets_in(source);
	stamp_source_free(source);
}

/* In a child with an alarm: it would wait for ever. */
static int
lock_twice(void *context)
{
	int i;

	for (i = 0; i < 2; i++) {
		stamp_lock_uid(context, UID_A);
		stamp_unlock_uid(context, UID_A);
	}
	return 0;
}

static void
a_killed_holder_gives_it_up(void)
{
	struct stamp_source *source = stamp_source_create(0, NULL);
	int held[2], status;
	pid_t pid;
	char c;

	CU_ASSERT_EQUAL_FATAL(pipe(held), 0);
	pid = fork();
	if (pid == 0) {
		stamp_lock_uid(source, UID_A);
		if (write(held[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	CU_ASSERT_EQUAL(read(held[0], &c, 1), 1);
	(void)kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL_FATAL(test_in_child(lock_twice, source), 0);
	check_that_one_gets_in(source);
	(void)close(held[0]);
	(void)close(held[1]);
	stamp_source_free(source);
}

static const struct test_case cases[] = {
    {"are unique in all processes, and rise", are_unique_in_all_processes},
    {"follow the clock", follow_the_clock},
    {"never run backwards, when the newest is in the future",
	never_run_backwards},
    {"lie beyond the names that are there", lie_beyond_names},
    {"the lock of a UID lets one in", one_at_a_time},
    {"a holder that is killed gives it up", a_killed_holder_gives_it_up},
    {0},
};

TEST_SUITE(stamp, cases)
