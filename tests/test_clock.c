/*
 * Times as text, and the clocks themselves.
 */
#include <string.h>

#include "../spool/clock.h"
#include "test.h"

static const struct {
	int64_t us;
	const char *stamp, *iso;
} times[] = {
    {0, "19700101T000000.000000Z", "1970-01-01T00:00:00.000000Z"},
    {1, "19700101T000000.000001Z", "1970-01-01T00:00:00.000001Z"},
    {1795474201123456, "20261123T225001.123456Z",
	"2026-11-23T22:50:01.123456Z"},
    {951782399999999, "20000228T235959.999999Z", "2000-02-28T23:59:59.999999Z"},
    {951782400000000, "20000229T000000.000000Z", "2000-02-29T00:00:00.000000Z"},
    {253402300799999999, "99991231T235959.999999Z",
	"9999-12-31T23:59:59.999999Z"},
};

static void
writes_and_reads(void)
{
	char stamp[CLOCK_STAMP_SIZE], iso[CLOCK_ISO_SIZE];
	int64_t us;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		clock_stamp_format(times[i].us, stamp);
		CU_ASSERT_STRING_EQUAL(stamp, times[i].stamp);
		clock_iso_format(times[i].us, iso);
		CU_ASSERT_STRING_EQUAL(iso, times[i].iso);
		us = -1;
		CU_ASSERT_EQUAL(clock_stamp_parse(stamp, &us), 1);
		CU_ASSERT_EQUAL(us, times[i].us);
		us = -1;
		CU_ASSERT_EQUAL(clock_iso_parse(iso, &us), 1);
		CU_ASSERT_EQUAL(us, times[i].us);
	}
}

static void
refuses_other_text(void)
{
	static const char *const stamps[] = {
	    "",
	    "20261123T225001.123456",
	    "20261123 225001.123456Z",
	    "20261123T225001,123456Z",
	    "20261123T225001.123456z",
	    "20261123T225001.12345xZ",
	    "20261323T225001.123456Z",
	    "20261100T225001.123456Z",
	    "20260229T225001.123456Z",
	    "20261123T245001.123456Z",
	    "20261123T226001.123456Z",
	    "20261123T225060.123456Z",
	    "19691231T235959.999999Z",
	    "+2261123T225001.123456Z",
	};
	static const char *const isos[] = {
	    "",
	    "2026-11-23T22:50:01.123456",
	    "2026-11-23T22:50:01.123456Zx",
	    "2026/11/23T22:50:01.123456Z",
	    "2026-11-23 22:50:01.123456Z",
	    "2026-11-23T22.50.01.123456Z",
	    "2026-11-31T22:50:01.123456Z",
	};
	int64_t us;
	size_t i;

	for (i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
		TEST_ROW(!clock_stamp_parse(stamps[i], &us), stamps[i]);
	for (i = 0; i < sizeof(isos) / sizeof(isos[0]); i++)
		TEST_ROW(!clock_iso_parse(isos[i], &us), isos[i]);
}

/* Names sort by arrival because stamps do. */
static void
stamps_sort(void)
{
	char a[CLOCK_STAMP_SIZE], b[CLOCK_STAMP_SIZE];
	size_t i;

	for (i = 1; i < sizeof(times) / sizeof(times[0]); i++) {
		clock_stamp_format(times[i].us - 1, a);
		clock_stamp_format(times[i].us, b);
		TEST_ROW(strcmp(a, b) < 0, times[i].stamp);
	}
}

static void
clocks_run(void)
{
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	CU_ASSERT_TRUE(us > 0);
	CU_ASSERT_TRUE(ms >= us / 1000 && ms < us / 1000 + 10000);
	CU_ASSERT_TRUE(clock_mono_us() >= us);
	/* between 2020 and 2200 */
	CU_ASSERT_TRUE(clock_real_us() > 1577836800000000);
	CU_ASSERT_TRUE(clock_real_us() < 7258118400000000);
}

static void
boot_has_an_id(void)
{
	char a[CLOCK_BOOT_ID_SIZE], b[CLOCK_BOOT_ID_SIZE];

	clock_boot_id(a);
	clock_boot_id(b);
	CU_ASSERT_EQUAL(strlen(a), CLOCK_BOOT_ID_SIZE - 1);
	CU_ASSERT_STRING_EQUAL(a, b);
}

static const struct test_case cases[] = {
    {"writes and reads both forms", writes_and_reads},
    {"refuses other text", refuses_other_text},
    {"stamps sort as times do", stamps_sort},
    {"clocks run", clocks_run},
    {"the boot has an id", boot_has_an_id},
    {0},
};

TEST_SUITE(clock, cases)
