/*
 * From results to the answer: every row of the table of outcomes, and that
 * nothing but a success becomes one.
 */
#include <string.h>

#include "../receiver/verdict.h"
#include "test.h"

#define NONE RESULT_NO_STATUS

static void
of_results(void)
{
	static const struct {
		enum result_state state;
		int status;
		enum verdict_class class;
		uint16_t answer;
		const char *comment; /* NULL: the destination's own */
	} cases[] = {
	    {RESULT_DELIVERED, 0x0000, VERDICT_SUCCESS, 0x0000, NULL},
	    {RESULT_DELIVERED, 0xB000, VERDICT_WARNING, 0xB000, NULL},
	    {RESULT_DELIVERED, 0x0107, VERDICT_WARNING, 0x0107, NULL},
	    {RESULT_DELIVERED, 0x0111, VERDICT_WARNING, 0x0111, NULL},
	    {RESULT_DELIVERED, NONE, VERDICT_TRANSIENT, 0xA700,
		"the destination's status is not known"},
	    {RESULT_DEFERRED, 0xA701, VERDICT_TRANSIENT, 0xA701, NULL},
	    {RESULT_DEFERRED, NONE, VERDICT_TRANSIENT, 0xA700,
		"queued, not yet delivered"},
	    {RESULT_DEFERRED, 0x0000, VERDICT_TRANSIENT, 0xA700,
		"queued, not yet delivered"},
	    {RESULT_FAILED, 0xC123, VERDICT_PERMANENT, 0xC123, NULL},
	    {RESULT_FAILED, 0xB007, VERDICT_PERMANENT, 0xB007, NULL},
	    {RESULT_FAILED, NONE, VERDICT_PERMANENT, 0xC000,
		"set aside, not delivered"},
	    {RESULT_FAILED, 0x0000, VERDICT_PERMANENT, 0xC000,
		"set aside, not delivered"},
	    {RESULT_REMOVED, NONE, VERDICT_PERMANENT, 0xA700,
		"removed by the operator"},
	    {RESULT_REMOVED, 0x0000, VERDICT_PERMANENT, 0xA700,
		"removed by the operator"},
	};
	struct result result = {.error_comment = "its own",
	    .offending = {0x00080018, 0x00100020},
	    .offending_n = 2};
	struct verdict verdict;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		result.state = cases[i].state;
		result.status = cases[i].status;
		verdict_of_result(&result, &verdict);
		CU_ASSERT_EQUAL(verdict.class, cases[i].class);
		CU_ASSERT_EQUAL(verdict.answer.status, cases[i].answer);
		CU_ASSERT_STRING_EQUAL(verdict.answer.error_comment,
		    cases[i].comment == NULL ? "its own" : cases[i].comment);
		CU_ASSERT_EQUAL(verdict.answer.offending_n,
		    cases[i].comment == NULL ? 2 : 0);
		CU_ASSERT(strlen(verdict.answer.error_comment) <= 64);
	}
	result.state = RESULT_DELIVERED;
	result.status = 0xB000;
	verdict_of_result(&result, &verdict);
	CU_ASSERT_EQUAL(verdict.answer.offending[0], 0x00080018);
	CU_ASSERT_EQUAL(verdict.answer.offending[1], 0x00100020);
}

static void
of_timeouts(void)
{
	struct verdict verdict;

	verdict_of_timeout(true, &verdict);
	CU_ASSERT_EQUAL(verdict.class, VERDICT_TIMEOUT);
	CU_ASSERT_EQUAL(verdict.answer.status, 0xA700);
	CU_ASSERT_STRING_EQUAL(
	    verdict.answer.error_comment, "queued, not yet delivered");
	/* What is gone is never accepted. */
	verdict_of_timeout(false, &verdict);
	CU_ASSERT_EQUAL(verdict.class, VERDICT_PERMANENT);
	CU_ASSERT_EQUAL(verdict.answer.status, 0xA700);
	CU_ASSERT_STRING_EQUAL(verdict.answer.error_comment, "not queued");
}

static void
worst_of_several(void)
{
	static const enum verdict_class order[] = {VERDICT_SUCCESS,
	    VERDICT_WARNING, VERDICT_TIMEOUT, VERDICT_TRANSIENT,
	    VERDICT_PERMANENT};
	struct verdict a = {0}, b = {0};
	size_t i, j;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		a.class = order[i];
		CU_ASSERT_PTR_EQUAL(verdict_worse(NULL, &a), &a);
		for (j = 0; j < sizeof(order) / sizeof(order[0]); j++) {
			b.class = order[j];
			CU_ASSERT_PTR_EQUAL(
			    verdict_worse(&a, &b), j > i ? &b : &a);
		}
	}
}

static const struct test_case cases[] = {{"of a marker", of_results},
    {"of no marker in time", of_timeouts},
    {"the worst of several", worst_of_several}, {0}};
TEST_SUITE(verdict, cases)
