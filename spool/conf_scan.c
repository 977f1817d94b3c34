/*
 * A look at the text of the configuration before libconfig parses it. It reads
 * 5000000000 as 705032704 unless an L follows, without a word; and it ends the
 * process where an @include names a folder (its scanner's fatal error), so
 * that the configuration is one file. A comment that does not end hides the
 * rest of the file from it.
 *
 * Errors: ERR_CONFIG with file, line and the key that came last.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_place.h"
#include "conf_scan.h"

#define TOKEN_SIZE 64

struct scan {
	const char *file;
	const char *at; /* what comes next */
	unsigned line;
	char key[TOKEN_SIZE]; /* the last name */
};

static int fail_nul(struct scan *scan, struct err *err);
static int step(struct scan *scan, struct err *err);
static bool skip_blank(struct scan *scan);
static int skip_comment(struct scan *scan, struct err *err);
static int skip_string(struct scan *scan, struct err *err);
static void take(struct scan *scan, const char *set, char out[TOKEN_SIZE]);
static int check_number(struct scan *scan, struct err *err);
static bool fits(const char *number);
static int scan_fail(
    const struct scan *scan, struct err *err, const char *what);

static const char name_set[] = "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*-";
static const char number_set[] = "0123456789abcdefABCDEFxXlL.+-";

int
conf_scan(const char *file, const char *text, size_t size, struct err *err)
{
	struct scan scan = {.file = file, .at = text, .line = 1};

	if (memchr(text, '\0', size) != NULL)
		return fail_nul(&scan, err);
	while (*scan.at != '\0')
		if (step(&scan, err) < 0)
			return -1;
	return 0;
}

static int
fail_nul(struct scan *scan, struct err *err)
{
	for (; *scan->at != '\0'; scan->at++)
		if (*scan->at == '\n')
			scan->line++;
	return scan_fail(scan, err, "a NUL byte is in this line; write text");
}

/* One token, comment or other character. */
static int
step(struct scan *scan, struct err *err)
{
	const char *next;

	if (skip_blank(scan))
		return 0;
	if (strncmp(scan->at, "/*", 2) == 0)
		return skip_comment(scan, err);
	if (*scan->at == '"')
		return skip_string(scan, err);
	if (*scan->at == '@')
		return scan_fail(scan, err,
		    "@include is not supported; write all of the configuration "
		    "into this file");
	if (isalpha((unsigned char)*scan->at) || *scan->at == '*') {
		take(scan, name_set, scan->key);
		return 0;
	}
	next = scan->at + (*scan->at == '-' || *scan->at == '+');
	if (isdigit((unsigned char)*next))
		return check_number(scan, err);
	scan->at++;
	return 0;
}

static bool
skip_blank(struct scan *scan)
{
	if (*scan->at == '\n') {
		scan->line++;
		scan->at++;
	} else if (*scan->at == '#' || strncmp(scan->at, "//", 2) == 0) {
		scan->at += strcspn(scan->at, "\n");
	} else {
		return false;
	}
	return true;
}

/* Without its end, libconfig takes the rest of the file for a comment. */
static int
skip_comment(struct scan *scan, struct err *err)
{
	const char *end = strstr(scan->at + 2, "*/");

	if (end == NULL)
		return scan_fail(scan, err,
		    "a comment begins here that does not end; write */ "
		    "behind it");
	for (; scan->at < end; scan->at++)
		if (*scan->at == '\n')
			scan->line++;
	scan->at += 2;
	return 0;
}

static int
skip_string(struct scan *scan, struct err *err)
{
	const char *end;

	for (end = scan->at + 1; *end != '\0' && *end != '"'; end++)
		if (*end == '\\' && end[1] != '\0')
			end++;
	if (*end == '\0')
		return scan_fail(scan, err,
		    "a text begins here that does not end; write \" behind "
		    "it");
	for (; scan->at < end; scan->at++)
		if (*scan->at == '\n')
			scan->line++;
	scan->at++;
	return 0;
}

static void
take(struct scan *scan, const char *set, char out[TOKEN_SIZE])
{
	const size_t size = strspn(scan->at, set);

	(void)snprintf(out, TOKEN_SIZE, "%.*s", (int)size, scan->at);
	scan->at += size;
}

static int
check_number(struct scan *scan, struct err *err)
{
	char number[TOKEN_SIZE], what[2 * TOKEN_SIZE + 64];

	take(scan, number_set, number);
	if (fits(number))
		return 0;
	if (strpbrk(number, "lL") != NULL)
		(void)snprintf(what, sizeof(what),
		    "%s does not fit into 64 bits; write a smaller number",
		    number);
	else
		(void)snprintf(what, sizeof(what),
		    "%s does not fit into 32 bits; write %sL", number, number);
	return scan_fail(scan, err, what);
}

/* What is not an integer is left to libconfig. */
static bool
fits(const char *number)
{
	const bool hex =
	    strncmp(number, "0x", 2) == 0 || strncmp(number, "0X", 2) == 0;
	long long value;
	char *end;

	errno = 0;
	value = strtoll(number, &end, hex ? 16 : 10);
	if (strcmp(end, "L") == 0 || strcmp(end, "LL") == 0)
		return errno != ERANGE;
	if (*end != '\0')
		return true;
	return errno != ERANGE && value >= INT32_MIN && value <= INT32_MAX;
}

static int
scan_fail(const struct scan *scan, struct err *err, const char *what)
{
	const struct conf_place place = {
	    scan->file, scan->line, "", -1, scan->key};

	return conf_fail(&place, err, "%s", what);
}
