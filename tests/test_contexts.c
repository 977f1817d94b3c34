/*
 * sender/contexts.c: what is proposed, and what is dropped.
 */
#include <stdio.h>
#include <string.h>

#include "../sender/contexts.h"
#include "../spool/command.h"
#include "test.h"

#define EXPLICIT "1.2.840.10008.1.2.1"

static void
test_order(void)
{
	struct contexts c = {.n = 0};

	contexts_use(&c, "1.1", EXPLICIT);
	contexts_use(&c, "1.2", EXPLICIT);
	contexts_offer(&c, "1.3", EXPLICIT);
	contexts_offer(&c, "1.1", EXPLICIT);
	CU_ASSERT_EQUAL(c.n, 3);
	CU_ASSERT_STRING_EQUAL(c.pair[0].sop_class, "1.2");
	CU_ASSERT_STRING_EQUAL(c.pair[1].sop_class, "1.1");
	CU_ASSERT_STRING_EQUAL(c.pair[2].sop_class, "1.3");
	contexts_use(&c, "1.3", EXPLICIT);
	CU_ASSERT_EQUAL(c.n, 3);
	CU_ASSERT_STRING_EQUAL(c.pair[0].sop_class, "1.3");
	CU_ASSERT_STRING_EQUAL(c.pair[2].sop_class, "1.1");
	/* Another transfer syntax is another pair. */
	contexts_use(&c, "1.3", "1.2.840.10008.1.2");
	CU_ASSERT_EQUAL(c.n, 4);
}

static void
test_full(void)
{
	struct contexts c = {.n = 0};
	char uid[NAME_UID_SIZE];
	int i;

	for (i = 0; i < CONTEXTS_MAX + 3; i++) {
		(void)snprintf(uid, sizeof(uid), "1.%d", i);
		contexts_use(&c, uid, EXPLICIT);
	}
	CU_ASSERT_EQUAL(c.n, CONTEXTS_MAX);
	CU_ASSERT_STRING_EQUAL(c.pair[0].sop_class, uid);
	/* The least recently used have gone: 0, 1 and 2. */
	CU_ASSERT_STRING_EQUAL(c.pair[CONTEXTS_MAX - 1].sop_class, "1.3");
	contexts_offer(&c, "1.99999", EXPLICIT);
	CU_ASSERT_EQUAL(c.n, CONTEXTS_MAX);
	CU_ASSERT_STRING_EQUAL(c.pair[CONTEXTS_MAX - 1].sop_class, "1.3");
}

static void
test_list(void)
{
	struct requestor_context list[REQUESTOR_MAX_CONTEXTS];
	struct contexts c = {.n = 0};

	CU_ASSERT_EQUAL(contexts_list(&c, list), 1);
	contexts_use(&c, "1.1", EXPLICIT);
	CU_ASSERT_EQUAL(contexts_list(&c, list), 2);
	CU_ASSERT_STRING_EQUAL(
	    list[0].abstract_syntax, COMMAND_VERIFICATION_CLASS);
	CU_ASSERT_STRING_EQUAL(list[1].abstract_syntax, "1.1");
	CU_ASSERT_STRING_EQUAL(list[1].transfer_syntax, EXPLICIT);
}

static const struct test_case cases[] = {
    {"the most recently used is first", test_order},
    {"never more than there may be", test_full},
    {"verification comes along", test_list}, {0}};

TEST_SUITE(contexts, cases)
