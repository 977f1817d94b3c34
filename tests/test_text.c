/*
 * Short texts: the same as printf(3) writes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../spool/text.h"
#include "test.h"

static void
joins_and_cuts(void)
{
	char out[8], one[1] = {'x'};

	text_join(out, sizeof(out), "queue/", "a", NULL);
	CU_ASSERT_STRING_EQUAL(out, "queue/a");
	text_join(out, sizeof(out), "", "", NULL);
	CU_ASSERT_STRING_EQUAL(out, "");
	text_join(out, sizeof(out), NULL);
	CU_ASSERT_STRING_EQUAL(out, "");
	text_join(out, sizeof(out), "queue/", "abc", "d", NULL);
	CU_ASSERT_STRING_EQUAL(out, "queue/a");
	text_join(one, sizeof(one), "a", NULL);
	CU_ASSERT_EQUAL(one[0], '\0');
}

static void
writes_integers(void)
{
	static const int64_t values[] = {0, 1, -1, 9, 10, -10, 65535, INT32_MIN,
	    INT64_MAX, INT64_MIN, 1234567890123456789};
	char out[TEXT_INT_SIZE], same[32];
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		text_int(values[i], out);
		(void)snprintf(same, sizeof(same), "%" PRId64, values[i]);
		CU_ASSERT_STRING_EQUAL(out, same);
	}
}

static void
writes_digits(void)
{
	char out[] = "xxxxxxx";

	text_digits(42, out, 6);
	CU_ASSERT_STRING_EQUAL(out, "000042x");
	text_digits(1234567, out, 4);
	CU_ASSERT_STRING_EQUAL(out, "456742x");
	text_digits(7, out, 0);
	CU_ASSERT_STRING_EQUAL(out, "456742x");
}

static void
writes_hex(void)
{
	static const uint8_t bytes[] = {0x00, 0x1f, 0xa0, 0xff};
	char out[] = "xxxxxxxxxx";

	text_hex(bytes, 4, out);
	CU_ASSERT_STRING_EQUAL(out, "001fa0ff");
	text_hex(bytes, 0, out);
	CU_ASSERT_STRING_EQUAL(out, "");
}

static const struct test_case cases[] = {
    {"joins and cuts", joins_and_cuts},
    {"writes integers", writes_integers},
    {"writes digits", writes_digits},
    {"writes hex", writes_hex},
    {0},
};

TEST_SUITE(text, cases)
