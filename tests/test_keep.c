/*
 * How long items are kept, whatever the clock does.
 */
#include "../spool/keep.h"
#include "test.h"

#define NOW  1795474201
#define DAY  86400
#define MOST (INT64_C(36600) * DAY) /* of KeepSent and KeepFailed */

static void
ends(void)
{
	static const struct {
		const char *what;
		int64_t keep_s, age_s;
		bool sent_is_over, failed_is_over;
	} rows[] = {
	    {"0, of this second", 0, 0, false, false},
	    {"0, of the last one", 0, 1, true, false},
	    {"0, of long ago", 0, MOST, true, false},
	    {"0, of the next second", 0, -1, true, false},
	    {"1, of now", 1, 0, false, false},
	    {"1, just not over", 1, 1, false, false},
	    {"1, just over", 1, 2, true, true},
	    {"a day, not over", DAY, DAY, false, false},
	    {"a day, over", DAY, DAY + 1, true, true},
	    {"a day, in an hour", DAY, -3600, false, false},
	    {"a day, in just a day", DAY, -DAY, false, false},
	    {"a day, beyond", DAY, -DAY - 1, true, false},
	    {"a day, a clock without battery", DAY, -NOW, true, false},
	    {"the most, since 1970", MOST, NOW, false, false},
	    {"the most, over", MOST, MOST + 1, true, true},
	    {"the most, in the future", MOST, -MOST, false, false},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		TEST_ROW(keep_is_over(QUEUE_SENT, rows[i].keep_s,
			     NOW - rows[i].age_s, NOW) == rows[i].sent_is_over,
		    rows[i].what);
		TEST_ROW(
		    keep_is_over(QUEUE_FAILED, rows[i].keep_s,
			NOW - rows[i].age_s, NOW) == rows[i].failed_is_over,
		    rows[i].what);
	}
}

static const struct test_case cases[] = {
    {"ends, whatever the clock does", ends},
    {0},
};

TEST_SUITE(keep, cases)
