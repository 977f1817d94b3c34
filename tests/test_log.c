/*
 * The log: an event is a line, whatever its values hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/log.h"
#include "test.h"

/* What one event writes to stderr. */
static const char *
capture(enum log_level level, const char *event, const struct log_field *fields)
{
	static char text[8192];
	int pair[2], saved;
	ssize_t got;

	saved = dup(STDERR_FILENO);
	if (pipe(pair) == -1 || saved == -1 ||
	    dup2(pair[1], STDERR_FILENO) == -1)
		abort();
	(void)close(pair[1]);
	log_event(level, event, fields);
	if (dup2(saved, STDERR_FILENO) == -1)
		abort();
	(void)close(saved);
	got = read(pair[0], text, sizeof(text) - 1);
	(void)close(pair[0]);
	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void
writes_a_line(void)
{
	const struct log_field fields[] = {LOG_STR("item", "a-b.dcm"),
	    LOG_HEX("status", 0xA700), LOG_INT("ms", -3), LOG_STR("why", NULL),
	    LOG_NONE};
	const char *line;

	log_open("tester", LOG_LEVEL_INFO, false);
	line = capture(LOG_LEVEL_WARNING, "refused", fields);
	CU_ASSERT_PTR_NOT_NULL(strstr(line, " tester["));
	CU_ASSERT_PTR_NOT_NULL(strstr(line,
	    "] warning refused item=a-b.dcm status=0xA700 ms=-3 why=\"\"\n"));
}

static void
escapes_values(void)
{
	static const struct {
		const char *value, *written;
	} rows[] = {
	    {"plain", "k=plain\n"},
	    {"two words", "k=\"two words\"\n"},
	    {"a=b", "k=\"a=b\"\n"},
	    {"say \"x\"", "k=\"say \\\"x\\\"\"\n"},
	    {"a\\b", "k=\"a\\\\b\"\n"},
	    {"a\nforged line", "k=\"a\\x0aforged line\"\n"},
	    {"\x1b[31m\x7f", "k=\"\\x1b[31m\\x7f\"\n"},
	    {"M\xc3\xbcller", "k=\"M\\xc3\\xbcller\"\n"},
	    {"%s%n", "k=%s%n\n"},
	};
	const char *line;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		line = capture(LOG_LEVEL_INFO, "e",
		    (const struct log_field[]){
			LOG_STR("k", rows[i].value), LOG_NONE});
		TEST_ROW(strstr(line, rows[i].written) != NULL, rows[i].value);
		TEST_ROW(
		    strchr(line, '\n') == line + strlen(line) - 1, "one line");
	}
}

static void
cuts_a_long_line(void)
{
	char value[4096];
	const char *line;

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	line = capture(LOG_LEVEL_ERROR, "e",
	    (const struct log_field[]){LOG_STR("k", value), LOG_NONE});
	CU_ASSERT_TRUE(strlen(line) > 900 && strlen(line) <= 1024);
	CU_ASSERT_PTR_EQUAL(strchr(line, '\n'), line + strlen(line) - 1);
}

static void
drops_what_is_below_the_level(void)
{
	const struct log_field none[] = {LOG_NONE};

	log_open("tester", LOG_LEVEL_WARNING, false);
	CU_ASSERT_STRING_EQUAL(capture(LOG_LEVEL_INFO, "e", none), "");
	CU_ASSERT_STRING_NOT_EQUAL(capture(LOG_LEVEL_WARNING, "e", none), "");
	log_open("tester", LOG_LEVEL_DEBUG, false);
	CU_ASSERT_STRING_NOT_EQUAL(capture(LOG_LEVEL_DEBUG, "e", none), "");
	log_open("dcmspool", LOG_LEVEL_INFO, false);
}

static void
keeps_errno(void)
{
	int saved = dup(STDERR_FILENO);

	errno = EXDEV;
	(void)close(STDERR_FILENO);
	LOG(LOG_LEVEL_ERROR, "nobody_hears", LOG_NONE);
	CU_ASSERT_EQUAL(errno, EXDEV);
	CU_ASSERT_EQUAL(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved);
}

static void
knows_its_levels(void)
{
	static const char *const words[] = {
	    "debug", "info", "warning", "error"};
	enum log_level level;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		CU_ASSERT_EQUAL(log_level_parse(words[i], &level), 1);
		CU_ASSERT_EQUAL(level, (enum log_level)i);
	}
	CU_ASSERT_EQUAL(log_level_parse("Info", &level), 0);
	CU_ASSERT_EQUAL(log_level_parse("", &level), 0);
}

static const struct test_case cases[] = {
    {"writes event key=value", writes_a_line},
    {"escapes what could break a line", escapes_values},
    {"cuts a long line, and ends it", cuts_a_long_line},
    {"drops what is below the level", drops_what_is_below_the_level},
    {"keeps errno, also where nobody listens", keeps_errno},
    {"knows its levels", knows_its_levels},
    {0},
};

TEST_SUITE(log, cases)
