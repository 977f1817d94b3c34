/*
 * sender/waited.c: routes that wait, and those that do not.
 */
#include "../sender/waited.h"
#include "test.h"

static void
longest_of_the_routes_that_wait(void)
{
	static size_t both[] = {0, 1}, second[] = {1};
	static bool yes_no[] = {true, false}, yes[] = {true};
	static const struct {
		enum conf_answer_when first, second;
		int64_t us[3]; /* for each destination */
	} rows[] = {
	    {CONF_ANSWER_DELIVERED, CONF_ANSWER_DELIVERED,
		{26000000, 61000000, 0}},
	    {CONF_ANSWER_DELIVERED, CONF_ANSWER_SPOOLED, {26000000, 0, 0}},
	    {CONF_ANSWER_SPOOLED, CONF_ANSWER_DELIVERED, {0, 61000000, 0}},
	    {CONF_ANSWER_SPOOLED, CONF_ANSWER_SPOOLED, {0, 0, 0}},
	};
	struct conf_destination destinations[3] = {{.retry_min_s = 1}};
	struct conf_route routes[] = {
	    {.destinations = both,
		.destinations_n = 2,
		.wait_for = yes_no,
		.response_timeout_s = 25},
	    {.destinations = second,
		.destinations_n = 1,
		.wait_for = yes,
		.response_timeout_s = 60},
	};
	struct conf conf = {.routes = routes,
	    .routes_n = 2,
	    .destinations = destinations,
	    .destinations_n = 3};
	size_t row, i;

	for (row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		routes[0].answer_when = rows[row].first;
		routes[1].answer_when = rows[row].second;
		for (i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(
			    waited_longest_us(&conf, &destinations[i]),
			    rows[row].us[i]);
		CU_ASSERT_EQUAL(waited_longest_us(&conf, NULL), 0);
	}
}

static const struct test_case cases[] = {
    {"the longest of the routes that wait", longest_of_the_routes_that_wait},
    {0},
};

TEST_SUITE(waited, cases)
