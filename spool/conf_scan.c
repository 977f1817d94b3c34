/*
 * A look at the text of the configuration before libconfig parses it. It reads
 * 5000000000 as 705032704 unless an L follows, without a word; and it ends the
 * process where an @include names a folder (its scanner's fatal error), so
 * that the configuration is one file.
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

static int step(struct scan *scan, struct err *err);
static bool skip_blank(struct scan *scan);
static void skip_to(struct scan *scan, const char *end);
static void skip_string(struct scan *scan);
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

	while (*scan.at != '\0')
		if (step(&scan, err) < 0)
			return -1;
	if (scan.at != text + size)
		return scan_fail(&scan, err,
		    "a NUL byte is here, or in a comment or string that begins "
		    "here; write text");
	return 0;
}

/* One token, comment or other character. */
static int
step(struct scan *scan, struct err *err)
{
	const char *next;

	if (skip_blank(scan))
		return 0;
	if (*scan->at == '"') {
		skip_string(scan);
		return 0;
	}
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
	} else if (strncmp(scan->at, "/*", 2) == 0) {
		scan->at += 2;
		skip_to(scan, "*/");
	} else {
		return false;
	}
	return true;
}

/* Behind the next `end`, or to the end of the text. */
static void
skip_to(struct scan *scan, const char *end)
{
	const size_t size = strlen(end);

	for (; *scan->at != '\0'; scan->at++) {
		if (strncmp(scan->at, end, size) == 0) {
			scan->at += size;
			return;
		}
		if (*scan->at == '\n')
			scan->line++;
	}
}

static void
skip_string(struct scan *scan)
{
	for (scan->at++; *scan->at != '\0' && *scan->at != '"'; scan->at++) {
		if (*scan->at == '\\' && scan->at[1] != '\0')
			scan->at++;
		if (*scan->at == '\n')
			scan->line++;
	}
	if (*scan->at == '"')
		scan->at++;
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
