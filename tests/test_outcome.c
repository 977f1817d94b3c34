/*
 * sender/outcome.c: every row of the outcome table, and the backoff.
 */
#include "../sender/outcome.h"
#include "test.h"

static struct conf_destination
destination(void)
{
	return (struct conf_destination){
	    .retry_min_s = 1, .retry_max_s = 300, .max_attempts = 50};
}

static void
test_classes(void)
{
	static const struct {
		unsigned status;
		bool answer_lost;
		enum outcome_class class;
	} rows[] = {
	    {0x0000, false, OUTCOME_DELIVERED},
	    {0x0001, false, OUTCOME_DELIVERED},
	    {0x0107, false, OUTCOME_DELIVERED},
	    {0x0116, false, OUTCOME_DELIVERED},
	    {0xB000, false, OUTCOME_DELIVERED},
	    {0xB007, false, OUTCOME_DELIVERED},
	    {0xBFFF, false, OUTCOME_DELIVERED},
	    {0xA700, false, OUTCOME_TRANSIENT},
	    {0xA7FF, false, OUTCOME_TRANSIENT},
	    {0x0110, false, OUTCOME_TRANSIENT},
	    {0x0210, false, OUTCOME_TRANSIENT},
	    {0x0213, false, OUTCOME_TRANSIENT},
	    {0xA900, false, OUTCOME_PERMANENT},
	    {0xA800, false, OUTCOME_PERMANENT},
	    {0xA6FF, false, OUTCOME_PERMANENT},
	    {0xC000, false, OUTCOME_PERMANENT},
	    {0xC123, false, OUTCOME_PERMANENT},
	    {0x0122, false, OUTCOME_PERMANENT},
	    {0x0124, false, OUTCOME_PERMANENT},
	    {0x0002, false, OUTCOME_PERMANENT},
	    {0x0111, false, OUTCOME_PERMANENT},
	    {0x0111, true, OUTCOME_DELIVERED},
	    {0xA900, true, OUTCOME_PERMANENT},
	    {0xFF00, false, OUTCOME_NOT_FINAL},
	    {0xFF01, true, OUTCOME_NOT_FINAL},
	    {0xFE00, false, OUTCOME_NOT_FINAL},
	};
	const struct conf_destination conf = destination();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_EQUAL(outcome_of_status(
				    &conf, rows[i].status, rows[i].answer_lost),
		    rows[i].class);
}

static void
test_status_rules(void)
{
	struct conf_status_rule rules[] = {
	    {0xA900, 0xA900, CONF_STATUS_TRANSIENT},
	    {0xB000, 0xB0FF, CONF_STATUS_PERMANENT},
	    {0xB000, 0xBFFF, CONF_STATUS_TRANSIENT},
	    {0xC001, 0xC001, CONF_STATUS_DELIVERED},
	    {0xFF00, 0xFF00, CONF_STATUS_DELIVERED},
	};
	struct conf_destination conf = destination();

	conf.status_rules = rules;
	conf.status_rules_n = sizeof(rules) / sizeof(rules[0]);
	CU_ASSERT_EQUAL(
	    outcome_of_status(&conf, 0xA900, false), OUTCOME_TRANSIENT);
	CU_ASSERT_EQUAL(
	    outcome_of_status(&conf, 0xA901, false), OUTCOME_PERMANENT);
	CU_ASSERT_EQUAL(
	    outcome_of_status(&conf, 0xB007, false), OUTCOME_PERMANENT);
	CU_ASSERT_EQUAL(
	    outcome_of_status(&conf, 0xB100, false), OUTCOME_TRANSIENT);
	CU_ASSERT_EQUAL(
	    outcome_of_status(&conf, 0xC001, false), OUTCOME_DELIVERED);
	/* No configuration makes a pending answer a final one. */
	CU_ASSERT_EQUAL(
	    outcome_of_status(&conf, 0xFF00, false), OUTCOME_NOT_FINAL);
}

static void
test_backoff(void)
{
	static const struct {
		unsigned step;
		int64_t min_ms, max_ms;
	} rows[] = {
	    {0, 1000, 1000}, /* never less than RetryMin */
	    {1, 1500, 2000},
	    {3, 6000, 8000},
	    {8, 192000, 256000},
	    {9, 225000, 300000}, /* RetryMax */
	    {4000000000U, 225000, 300000},
	};
	const struct conf_destination conf = destination();
	int64_t ms, least, most;
	size_t i, round;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		least = INT64_MAX;
		most = 0;
		for (round = 0; round < 200; round++) {
			ms = outcome_backoff_ms(&conf, rows[i].step);
			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		CU_ASSERT(least >= rows[i].min_ms);
		CU_ASSERT(most <= rows[i].max_ms);
		/* It is spread. */
		CU_ASSERT(rows[i].min_ms == rows[i].max_ms || least < most);
	}
}

static const struct test_case cases[] = {
    {"the class of each status", test_classes},
    {"StatusClass moves a status", test_status_rules},
    {"backoff doubles, is bounded and spread", test_backoff}, {0}};

TEST_SUITE(outcome, cases)
