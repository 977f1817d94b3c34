/*
 * Runs all CUnit suites, or those named as arguments. Ends with 0 where every
 * assertion held and at least one suite ran.
 *
 * Errors: a suite that cannot be registered ends it with 70.
 */
#include <CUnit/Basic.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "test.h"

#define TMPDIRS_MAX 512

static struct test_suite *suites;
static char tmpdirs[TMPDIRS_MAX][64];
static size_t tmpdirs_n;

static int remove_entry(const char *, const struct stat *, int, struct FTW *);
static bool add_suite(const struct test_suite *suite);
static bool wanted(const char *name, int argc, char **argv);

void
test_register(struct test_suite *suite)
{
	suite->next = suites;
	suites = suite;
}

const char *
test_tmpdir(void)
{
	char *path;

	if (tmpdirs_n == TMPDIRS_MAX)
		abort();
	path = tmpdirs[tmpdirs_n];
	(void)snprintf(path, sizeof(tmpdirs[0]), "/tmp/dcmspool-test.XXXXXX");
	if (mkdtemp(path) == NULL)
		abort();
	tmpdirs_n++;
	return path;
}

int
main(int argc, char **argv)
{
	const struct test_suite *suite;
	unsigned failures, run;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return EX_SOFTWARE;
	for (suite = suites; suite != NULL; suite = suite->next)
		if (wanted(suite->name, argc, argv) && !add_suite(suite))
			return EX_SOFTWARE;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	(void)CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	while (tmpdirs_n > 0)
		(void)nftw(tmpdirs[--tmpdirs_n], remove_entry, 16,
		    FTW_DEPTH | FTW_PHYS);
	return failures == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static bool
add_suite(const struct test_suite *suite)
{
	const struct test_case *test;
	CU_pSuite added;

	added = CU_add_suite(suite->name, NULL, NULL);
	for (test = suite->cases; added != NULL && test->name != NULL; test++)
		if (CU_add_test(added, test->name, test->run) == NULL)
			return false;
	return added != NULL;
}

static bool
wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}
