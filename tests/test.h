/*
 * The CUnit tests: one file mirrors one module. A file ends with
 *
 *	static const struct test_case cases[] = {
 *		{"what it shows", function}, ..., {0}};
 *	TEST_SUITE(name, cases)
 *
 * and is found by the Makefile and registered by itself.
 */
#ifndef DCMSPOOL_TEST_H
#define DCMSPOOL_TEST_H

#include <CUnit/CUnit.h>

struct test_case {
	const char *name;
	void (*run)(void);
};

struct test_suite {
	const char *name;
	const struct test_case *cases;
	struct test_suite *next;
};

void test_register(struct test_suite *suite);

/* An assertion that names itself, for the rows of a table. */
#define TEST_ROW(ok, what)                                                     \
	CU_assertImplementation((ok) ? CU_TRUE : CU_FALSE, __LINE__, (what),   \
	    __FILE__, "", CU_FALSE)

/* A fresh empty folder, removed with all it holds when the tests end. */
const char *test_tmpdir(void);

#define TEST_SUITE(suite_name, suite_cases)                                    \
	static struct test_suite test_suite_##suite_name = {                   \
	    #suite_name, suite_cases, 0};                                      \
	__attribute__((                                                        \
	    constructor)) static void test_suite_register_##suite_name(void)   \
	{                                                                      \
		test_register(&test_suite_##suite_name);                       \
	}

#endif
