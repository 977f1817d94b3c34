/*
 * Counters: what is added is read, by whom and after whatever.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/fs.h"
#include "test.h"
#include "test_fixture.h"

#define PROCESSES 4
#define EACH	  20000

static struct counters_values values;

static void
open_both(struct spool *spool, struct counters **counters)
{
	test_spool_create(spool);
	CU_ASSERT_EQUAL_FATAL(spool_make_destination(spool, "PACS", NULL), 0);
	*counters = counters_open(spool, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*counters);
	CU_ASSERT_PTR_NOT_NULL_FATAL(counters_add(*counters, "PACS"));
}

static int
read_pacs(const struct spool *spool)
{
	return counters_read(
	    spool->root_fd, "PACS", clock_real_us(), &values, NULL);
}

static void
killed_processes_lose_nothing(void)
{
	struct counters *counters;
	struct spool spool;
	int p, i, status;

	open_both(&spool, &counters);
	for (p = 0; p < PROCESSES; p++)
		if (fork() == 0) {
			for (i = 0; i < EACH; i++)
				counters_received(
				    counters_of(counters, "PACS"), 10);
			(void)kill(getpid(), SIGKILL);
		}
	for (p = 0; p < PROCESSES; p++)
		CU_ASSERT_TRUE(wait(&status) > 0 && WIFSIGNALED(status));
	counters_close(counters);
	CU_ASSERT_EQUAL(read_pacs(&spool), 1);
	CU_ASSERT_EQUAL(values.cell[COUNTERS_RECEIVED], PROCESSES * EACH);
	CU_ASSERT_EQUAL(
	    values.cell[COUNTERS_RECEIVED_BYTES], 10 * PROCESSES * EACH);
	CU_ASSERT_EQUAL(values.received_60s, PROCESSES * EACH);
	counters = counters_open(&spool, NULL);
	counters_received(counters_add(counters, "PACS"), 1);
	CU_ASSERT_EQUAL(read_pacs(&spool), 1);
	CU_ASSERT_EQUAL(values.cell[COUNTERS_RECEIVED], PROCESSES * EACH + 1);
	counters_close(counters);
	spool_close(&spool);
}

static void
outcomes_have_classes_times_and_minutes(void)
{
	static const struct {
		int status;
		enum counters_class which;
	} rows[] = {{0, COUNTERS_SUCCESS}, {0xB000, COUNTERS_WARNING},
	    {0x0107, COUNTERS_WARNING}, {0xA700, COUNTERS_TRANSIENT},
	    {0x0110, COUNTERS_TRANSIENT}, {0xA900, COUNTERS_PERMANENT},
	    {0xC123, COUNTERS_PERMANENT}, {-1, COUNTERS_NONE}};
	struct counters_block *block;
	struct counters *counters;
	struct spool spool;
	size_t i;

	open_both(&spool, &counters);
	block = counters_of(counters, "PACS");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(counters_class_of(rows[i].status) == rows[i].which,
		    counters_class_name(rows[i].which));
	counters_outcome(block, COUNTERS_DELIVERED, 0, 1500);
	counters_outcome(block, COUNTERS_DEFERRED, -1, 1500);
	counters_outcome(block, COUNTERS_FAILED, 0xA900, 999LL * 86400000000);
	counters_sent(block, 500, 0);
	counters_queue(block, 7);
	for (i = 0; i < COUNTERS_ACTS; i++)
		counters_act(block, (enum counters_act)i);
	counters_act(block, COUNTERS_ACT_HOLD);
	CU_ASSERT_EQUAL(read_pacs(&spool), 1);
	CU_ASSERT_EQUAL(
	    values.outcome[COUNTERS_DELIVERED][COUNTERS_SUCCESS], 1);
	CU_ASSERT_EQUAL(values.outcome[COUNTERS_DEFERRED][COUNTERS_NONE], 1);
	CU_ASSERT_EQUAL(values.outcome[COUNTERS_FAILED][COUNTERS_PERMANENT], 1);
	CU_ASSERT_EQUAL(values.histogram[COUNTERS_IN_SPOOL].bucket[1], 1);
	CU_ASSERT_EQUAL(
	    values.histogram[COUNTERS_IN_SPOOL].bucket[COUNTERS_BOUNDS], 1);
	CU_ASSERT_EQUAL(values.histogram[COUNTERS_ANSWER_TIME].bucket[0], 1);
	CU_ASSERT_EQUAL(values.cell[COUNTERS_SENT_BYTES], 500);
	for (i = 0; i < COUNTERS_ACTS; i++)
		TEST_ROW(values.act[i] == 1 + (i == COUNTERS_ACT_HOLD),
		    counters_act_name((enum counters_act)i));
	CU_ASSERT_EQUAL(values.delivered_60s, 1);
	CU_ASSERT_EQUAL(values.failed_60s, 1);
	/* The minute may have ended since. */
	i = COUNTERS_MINUTES - 1;
	if (!values.minutes[i].queue_known)
		i--;
	CU_ASSERT_EQUAL(values.minutes[i].queue, 7);
	CU_ASSERT_EQUAL(values.minutes[i].delivered, 1);
	/* A day later none of that is of the last day. */
	CU_ASSERT_EQUAL(counters_read(spool.root_fd, "PACS",
			    clock_real_us() + 86460000000, &values, NULL),
	    1);
	CU_ASSERT_EQUAL(values.delivered_60s, 0);
	for (i = 0; i < COUNTERS_MINUTES; i++)
		if (values.minutes[i].delivered + values.minutes[i].failed >
			0 ||
		    values.minutes[i].queue_known)
			CU_FAIL("an old minute");
	counters_close(counters);
	spool_close(&spool);
}

static void
what_is_not_ours_is_set_aside(void)
{
	static const char *const texts[] = {"", "short", "dcmspool-count0"};
	struct counters *counters;
	struct spool spool;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		test_spool_create(&spool);
		CU_ASSERT_EQUAL_FATAL(
		    spool_make_destination(&spool, "PACS", NULL), 0);
		test_write_text(spool.root_fd, "queue/PACS/counters", texts[i]);
		CU_ASSERT_EQUAL(read_pacs(&spool), -1);
		counters = counters_open(&spool, NULL);
		counters_received(counters_add(counters, "PACS"), 1);
		CU_ASSERT_EQUAL(read_pacs(&spool), 1);
		CU_ASSERT_EQUAL(values.cell[COUNTERS_RECEIVED], 1);
		CU_ASSERT_TRUE(
		    test_there(spool.root_fd, "queue/PACS/counters.damaged"));
		/* nothing temporary, only: seven states, result, two */
		CU_ASSERT_EQUAL(test_count(spool.root_fd, "queue/PACS"), 10);
		counters_close(counters);
		spool_close(&spool);
	}
}

/* A child, so that a SIGBUS would be seen as what it is. */
static int
count_in_a_shrunken_file(void *context)
{
	struct spool *spool = context;
	struct counters *counters = counters_open(spool, NULL);
	struct counters_block *block = counters_add(counters, "PACS");
	int fd = openat(spool->root_fd, "queue/PACS/counters", O_RDWR);

	counters_received(block, 1);
	if (fd == -1 || ftruncate(fd, 0) == -1)
		return 2;
	counters_received(block, 1);
	counters_queue(block, 1);
	return 0;
}

static void
a_file_that_shrinks_ends_nobody(void)
{
	struct spool spool;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL_FATAL(spool_make_destination(&spool, "PACS", NULL), 0);
	CU_ASSERT_EQUAL(test_in_child(count_in_a_shrunken_file, &spool), 0);
	spool_close(&spool);
}

static void
none_is_no_error(void)
{
	struct spool spool;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL_FATAL(spool_make_destination(&spool, "PACS", NULL), 0);
	CU_ASSERT_EQUAL(read_pacs(&spool), 0);
	CU_ASSERT_EQUAL(values.cell[COUNTERS_RECEIVED], 0);
	counters_received(NULL, 1);
	counters_count(NULL, COUNTERS_REJECTED);
	spool_close(&spool);
}

/* As it starts on a board without a battery. */
static void
a_clock_in_1970_is_read(void)
{
	struct counters *counters;
	struct spool spool;

	open_both(&spool, &counters);
	counters_received(counters_of(counters, "PACS"), 10);
	CU_ASSERT_EQUAL(
	    counters_read(spool.root_fd, "PACS", 0, &values, NULL), 1);
	CU_ASSERT_EQUAL(values.cell[COUNTERS_RECEIVED], 1);
	CU_ASSERT_EQUAL(values.received_60s, 0);
	CU_ASSERT_EQUAL(values.minutes[COUNTERS_MINUTES - 1].minute, 0);
	CU_ASSERT_FALSE(values.minutes[0].queue_known);
	counters_close(counters);
	spool_close(&spool);
}

static const struct test_case cases[] = {
    {"killed processes lose nothing", killed_processes_lose_nothing},
    {"outcomes have classes, times and minutes",
	outcomes_have_classes_times_and_minutes},
    {"what is not ours is set aside", what_is_not_ours_is_set_aside},
    {"a file that shrinks ends nobody", a_file_that_shrinks_ends_nobody},
    {"none is no error", none_is_no_error},
    {"a clock in 1970 is read", a_clock_in_1970_is_read}, {0}};
TEST_SUITE(counters, cases)
