/*
 * The link record.
 */
#include <string.h>

#include "../spool/link.h"
#include "test.h"
#include "test_fixture.h"

#define DOWN "queue/PACS/down"

static void
goes_round(void)
{
	struct link_down down = {.since_us = 1795474201123456,
	    .since_mono_ms = 12345,
	    .boot_id = "01234567-0123-0123-0123-0123456789ab",
	    .reason = "connect 127.0.0.1:104: Connection refused\n",
	    .probes = 7,
	    .next_probe_us = 1795474201123457};
	struct link_down back;
	struct spool spool;
	struct err err;
	int fd;

	test_spool_create(&spool);
	fd = spool.root_fd;
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "PACS", &err), 0);
	CU_ASSERT_EQUAL(link_read_down(fd, "PACS", &back, &err), 0);
	CU_ASSERT_EQUAL(link_write_down(fd, "PACS", &down, &err), 0);
	CU_ASSERT_EQUAL(link_read_down(fd, "PACS", &back, &err), 1);
	CU_ASSERT_EQUAL(back.since_us, down.since_us);
	CU_ASSERT_EQUAL(back.since_mono_ms, down.since_mono_ms);
	CU_ASSERT_STRING_EQUAL(back.boot_id, down.boot_id);
	CU_ASSERT_STRING_EQUAL(back.reason, down.reason);
	CU_ASSERT_EQUAL(back.probes, down.probes);
	CU_ASSERT_EQUAL(back.next_probe_us, down.next_probe_us);
	CU_ASSERT_EQUAL(link_remove_down(fd, "PACS", &err), 0);
	CU_ASSERT_EQUAL(link_remove_down(fd, "PACS", &err), 0);
	CU_ASSERT_EQUAL(link_read_down(fd, "PACS", &back, &err), 0);
	spool_close(&spool);
}

static void
refuses_what_is_none(void)
{
	static const char *const texts[] = {
	    "",
	    "dcmspool-link 2\n",
	    LINK_MAGIC "\nProbes: -1\n",
	    LINK_MAGIC "\nSince: yesterday\n",
	    LINK_MAGIC "\nReason",
	};
	struct link_down down;
	struct spool spool;
	struct err err;
	size_t i;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "PACS", &err), 0);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		test_write_text(spool.root_fd, DOWN, texts[i]);
		TEST_ROW(
		    link_read_down(spool.root_fd, "PACS", &down, &err) == -1,
		    texts[i]);
		TEST_ROW(err.class == ERR_CORRUPT, texts[i]);
		TEST_ROW(strstr(err.text, DOWN) != NULL, texts[i]);
	}
	spool_close(&spool);
}

/* Of this boot the monotonic clock counts, whatever the other one did. */
static void
counts_from_the_right_clock(void)
{
	struct link_down down = {
	    .since_us = clock_real_us() - 60000000, .since_mono_ms = 42};
	int64_t since_ms, expected_ms;

	clock_boot_id(down.boot_id);
	CU_ASSERT_EQUAL(link_down_since_mono_ms(&down), 42);
	(void)strcpy(down.boot_id, "another boot");
	expected_ms = clock_mono_ms() - 60000;
	since_ms = link_down_since_mono_ms(&down);
	CU_ASSERT_TRUE(
	    since_ms > expected_ms - 10000 && since_ms < expected_ms + 10000);
	down.boot_id[0] = '\0';
	CU_ASSERT_NOT_EQUAL(link_down_since_mono_ms(&down), 42);
}

static const struct test_case cases[] = {
    {"goes round, and goes", goes_round},
    {"refuses what is none", refuses_what_is_none},
    {"counts from the right clock", counts_from_the_right_clock},
    {0},
};

TEST_SUITE(link, cases)
