/*
 * Errors: text, class, exit code.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "../spool/err.h"
#include "test.h"

static void
says_what_failed(void)
{
	struct err err;

	CU_ASSERT_EQUAL(err_set(&err, ERR_CORRUPT, "item %d", 7), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CORRUPT);
	CU_ASSERT_EQUAL(err.sys, 0);
	CU_ASSERT_STRING_EQUAL(err.text, "item 7");

	errno = ENOENT;
	CU_ASSERT_EQUAL(err_sys(&err, "open %s", "a/b"), -1);
	CU_ASSERT_EQUAL(errno, ENOENT);
	CU_ASSERT_EQUAL(err.sys, ENOENT);
	CU_ASSERT_STRING_EQUAL(err.text, "open a/b: No such file or directory");
}

static void
takes_nobody_to_tell(void)
{
	errno = EACCES;
	CU_ASSERT_EQUAL(err_set(NULL, ERR_BUG, "%s", "x"), -1);
	CU_ASSERT_EQUAL(err_sys(NULL, "%s", "x"), -1);
	CU_ASSERT_EQUAL(errno, EACCES);
}

static void
cuts_a_long_text(void)
{
	char longer[2 * ERR_TEXT_SIZE];
	struct err err;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	errno = EIO;
	(void)err_sys(&err, "open %s", longer);
	CU_ASSERT_EQUAL(strlen(err.text), ERR_TEXT_SIZE - 1);
	CU_ASSERT_EQUAL(err.sys, EIO);
}

static void
classes_system_errors(void)
{
	static const struct {
		const char *what;
		int sys;
		enum err_class class;
	} rows[] = {
	    {"no space", ENOSPC, ERR_TEMPORARY},
	    {"quota", EDQUOT, ERR_TEMPORARY},
	    {"I/O error", EIO, ERR_TEMPORARY},
	    {"no descriptors", EMFILE, ERR_TEMPORARY},
	    {"no memory", ENOMEM, ERR_TEMPORARY},
	    {"timeout", ETIMEDOUT, ERR_TEMPORARY},
	    {"no permission", EACCES, ERR_PERMANENT},
	    {"read-only", EROFS, ERR_PERMANENT},
	    {"not there", ENOENT, ERR_PERMANENT},
	    {"two file systems", EXDEV, ERR_PERMANENT},
	    {"there already", EEXIST, ERR_PERMANENT},
	    {"bad descriptor", EBADF, ERR_BUG},
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = rows[i].sys;
		(void)err_sys(&err, "x");
		TEST_ROW(err.class == rows[i].class, rows[i].what);
	}
}

static void
gives_exit_codes(void)
{
	static const int codes[] = {
	    [ERR_NONE] = EX_OK,
	    [ERR_TEMPORARY] = EX_TEMPFAIL,
	    [ERR_PERMANENT] = EX_CANTCREAT,
	    [ERR_CORRUPT] = EX_DATAERR,
	    [ERR_CONFIG] = EX_CONFIG,
	    [ERR_USAGE] = EX_USAGE,
	    [ERR_BUG] = EX_SOFTWARE,
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		err.class = (enum err_class)i;
		CU_ASSERT_EQUAL(err_exit_code(&err), codes[i]);
	}
}

static const struct test_case cases[] = {
    {"says what failed, on what, and why", says_what_failed},
    {"takes NULL, and keeps errno", takes_nobody_to_tell},
    {"cuts a long text", cuts_a_long_text},
    {"classes system errors", classes_system_errors},
    {"gives exit codes", gives_exit_codes},
    {0},
};

TEST_SUITE(err, cases)
