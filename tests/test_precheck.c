/*
 * Association requests, whole ones and such as are wrong in one thing.
 */
#include <stdlib.h>
#include <string.h>

#include "../receiver/precheck.h"
#include "test.h"

#define FIXED 68
#define ROOM  (256 * 1024)

struct text {
	const char *bytes;
	size_t n;
};

#define T(literal)                                                             \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

/* One with an abstract and a transfer syntax. */
#define CONTEXT	      "\x20\0\0\x10\1\0\0\0\x30\0\0\2 1\x40\0\0\2.2"
#define CONTEXT_BYTES 20

/* What follows the fixed part, beside a good application context. */
static const struct {
	const char *what;
	struct text items;
	const char *why; /* NULL: nothing is wrong */
} rows[] = {
    {"nothing", T(""), NULL},
    {"a context", T("\x20\0\0\x10\1\0\0\0\x30\0\0\2 1\x40\0\0\2.2"), NULL},
    {"an unknown item in it",
	T("\x20\0\0\x15\1\0\0\0\x99\0\0\1x\x30\0\0\2 1\x40\0\0\2.2"), NULL},
    {"half a header", T("\x20\0\0"), "an item beyond the end of the PDU"},
    {"a byte too few", T("\x20\0\0\5\1\0\0\0"),
	"an item beyond the end of the PDU"},
    {"no room for an ID", T("\x20\0\0\3\1\0\0"),
	"a presentation context that is too short"},
    {"an even ID", T("\x20\0\0\x10\2\0\0\0\x30\0\0\2 1\x40\0\0\2.2"),
	"a presentation context ID that is even"},
    {"ID 0", T("\x20\0\0\x10\0\0\0\0\x30\0\0\2 1\x40\0\0\2.2"),
	"a presentation context ID that is even"},
    {"an ID twice",
	T("\x20\0\0\x10\1\0\0\0\x30\0\0\2 1\x40\0\0\2.2"
	  "\x20\0\0\x10\1\0\0\0\x30\0\0\2 1\x40\0\0\2.2"),
	"a presentation context ID twice"},
    {"no abstract syntax", T("\x20\0\0\x0a\1\0\0\0\x40\0\0\2.2"),
	"not one abstract syntax in a context"},
    {"two of them",
	T("\x20\0\0\x16\1\0\0\0\x30\0\0\2 1\x30\0\0\2 1\x40\0\0\2.2"),
	"not one abstract syntax in a context"},
    {"no transfer syntax", T("\x20\0\0\x0a\1\0\0\0\x30\0\0\2 1"),
	"no transfer syntax in a context"},
    {"an empty one", T("\x20\0\0\x0e\1\0\0\0\x30\0\0\2 1\x40\0\0\0"),
	"a syntax that is no UID"},
    {"one with a NUL inside",
	T("\x20\0\0\x11\1\0\0\0\x30\0\0\2 1\x40\0\0\3.\0."),
	"a syntax that is no UID"},
    {"one with a NUL behind it",
	T("\x20\0\0\x11\1\0\0\0\x30\0\0\2 1\x40\0\0\3.2\0"), NULL},
    {"a syntax beyond its context",
	T("\x20\0\0\x10\1\0\0\0\x30\0\0\2 1\x40\0\0\3.2"),
	"an item beyond its presentation context"},
    {"two application contexts", T("\x10\0\0\1x"), "two application contexts"},
    {"user information", T("\x50\0\0\x08\x51\0\0\4\0\0\x40\0"), NULL},
    {"two of them", T("\x50\0\0\0\x50\0\0\0"), "two items of user information"},
    {"a maximum length of 3 bytes", T("\x50\0\0\x07\x51\0\0\3\0\0\x40"),
	"a user item of a wrong length"},
    {"a user item beyond its end", T("\x50\0\0\x07\x51\0\0\4\0\0\x40"),
	"an item beyond user information"},
    {"a maximum length twice",
	T("\x50\0\0\x10\x51\0\0\4\0\0\x40\0\x51\0\0\4\0\0\x40\0"),
	"a user item twice that may be there once"},
    {"an unknown user item", T("\x50\0\0\x0a\x59\0\0\0\x59\0\0\2xx"), NULL},
    {"an empty version", T("\x50\0\0\x04\x55\0\0\0"), NULL},
    {"a version of 17",
	T("\x50\0\0\x15\x55\0\0\x11"
	  "12345678901234567"),
	"a user item of a wrong length"},
    {"roles",
	T("\x50\0\0\x12\x54\0\0\5\0\1"
	  "1\1\1\x54\0\0\5\0\1"
	  "1\1\1"),
	NULL},
    {"a role's class beyond its end",
	T("\x50\0\0\x09\x54\0\0\5\0\2"
	  "1\1\1"),
	"a user item of a wrong length"},
    {"a role and more",
	T("\x50\0\0\x0a\x54\0\0\6\0\1"
	  "1\1\1x"),
	"a user item of a wrong length"},
    {"extended negotiation",
	T("\x50\0\0\x09\x56\0\0\5\0\1"
	  "1\1\1"),
	NULL},
    {"of a class beyond its end",
	T("\x50\0\0\x09\x56\0\0\5\xff\xf0"
	  "1\1\1"),
	"a user item of a wrong length"},
    {"common extended negotiation",
	T("\x50\0\0\x0c\x57\0\0\x08\0\1"
	  "1\0\1"
	  "2\0\0"),
	NULL},
    {"of related classes beyond its end",
	T("\x50\0\0\x0c\x57\0\0\x08\0\1"
	  "1\0\1"
	  "2\0\1"),
	"a user item of a wrong length"},
    {"an identity", T("\x50\0\0\x0b\x58\0\0\7\1\0\0\1u\0\0"), NULL},
    {"a password beyond its end", T("\x50\0\0\x0b\x58\0\0\7\1\0\0\1u\0\1"),
	"a user item of a wrong length"},
    {"two identities",
	T("\x50\0\0\x16\x58\0\0\7\1\0\0\1u\0\0\x58\0\0\7\1\0\0\1u\0\0"),
	"a user item twice that may be there once"},
};

/* In memory of exactly that size, so that sanitizers see what is read beyond
 * it. */
static bool
check_whole(const void *body, size_t n, struct precheck *found)
{
	uint8_t *copy = malloc(n);
	bool good;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	(void)memcpy(copy, body, n);
	*found = (struct precheck){NULL, false};
	good = precheck_body(copy, n, found);
	CU_ASSERT_EQUAL(good, found->why == NULL);
	free(copy);
	return good;
}

static bool
check(const void *items, size_t n, struct precheck *found)
{
	static uint8_t body[ROOM];
	size_t at = FIXED;

	(void)memcpy(body + at,
	    "\x10\0\0\3"
	    "1.2",
	    7);
	at += 7;
	(void)memcpy(body + at, items, n);
	return check_whole(body, at + n, found);
}

static void
finds_what_is_wrong(void)
{
	struct precheck found;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)check(rows[i].items.bytes, rows[i].items.n, &found);
		TEST_ROW(rows[i].why == NULL
			     ? found.why == NULL
			     : found.why != NULL &&
				   strcmp(found.why, rows[i].why) == 0,
		    rows[i].what);
		TEST_ROW(!found.exceeds, rows[i].what);
	}
}

/* Cut off anywhere, it is wrong, but behind a whole item. */
static void
finds_what_is_missing(void)
{
	static const char head[] = "\x10\0\0\3"
				   "1.2";
	uint8_t body[FIXED + 64] = {0};
	struct precheck found;
	size_t n, size;

	(void)memcpy(body + FIXED, head, 7);
	(void)memcpy(body + FIXED + 7, CONTEXT, CONTEXT_BYTES);
	size = FIXED + 7 + CONTEXT_BYTES;
	for (n = 1; n <= size; n++)
		CU_ASSERT_EQUAL(check_whole(body, n, &found),
		    n == FIXED || n == FIXED + 7 || n == size);
}

/* An item: head, and n times the same. Its size. */
static size_t
put_many(char *item, uint8_t type, struct text head, struct text part, size_t n)
{
	size_t size = 4;

	(void)memcpy(item + size, head.bytes, head.n);
	size += head.n;
	for (; n > 0; n--, size += part.n)
		(void)memcpy(item + size, part.bytes, part.n);
	item[0] = (char)type;
	item[1] = 0;
	item[2] = (char)((size - 4) >> 8);
	item[3] = (char)(size - 4);
	return size;
}

/* Numbers, each as many as there may be, and one more. */
static void
counts(void)
{
	static char items[ROOM];
	struct precheck found;
	size_t i, n;

	/* More than 128 contexts have an ID twice, or an even one. */
	for (i = 0, n = 0; i < 128; i++, n += CONTEXT_BYTES) {
		(void)memcpy(items + n, CONTEXT, CONTEXT_BYTES);
		items[n + 4] = (char)(2 * i + 1);
	}
	CU_ASSERT_TRUE(check(items, n, &found));
	(void)memcpy(items + n, CONTEXT, CONTEXT_BYTES);
	CU_ASSERT_FALSE(check(items, n + CONTEXT_BYTES, &found));
	CU_ASSERT_STRING_EQUAL(found.why, "a presentation context ID twice");

	for (i = PRECHECK_TRANSFERS; i <= PRECHECK_TRANSFERS + 1; i++) {
		n = put_many(items, 0x20, (struct text)T("\1\0\0\0\x30\0\0\1x"),
		    (struct text)T("\x40\0\0\1x"), i);
		CU_ASSERT_EQUAL(
		    check(items, n, &found), i == PRECHECK_TRANSFERS);
		CU_ASSERT_EQUAL(found.exceeds, i > PRECHECK_TRANSFERS);
	}
	for (i = PRECHECK_USER_ITEMS; i <= PRECHECK_USER_ITEMS + 1; i++) {
		n = put_many(items, 0x50, (struct text)T(""),
		    (struct text)T("\x54\0\0\5\0\1x\1\1"), i);
		CU_ASSERT_EQUAL(
		    check(items, n, &found), i == PRECHECK_USER_ITEMS);
		CU_ASSERT_EQUAL(found.exceeds, i > PRECHECK_USER_ITEMS);
	}
}

static void
reads_the_header(void)
{
	static const struct {
		uint8_t header[PRECHECK_HEADER + 1];
		bool goes_on;
		size_t bytes;
	} headers[] = {
	    {"\1\0\0\0\1\2", true, 0x102},
	    {"\1\0\0\4\0\0", true, PRECHECK_BYTES},
	    {"\1\0\0\4\0\1", false, 0},
	    {"\1\0\xff\xff\xff\xff", false, 0},
	    {"\1\0\x80\0\0\0", false, 0},
	    {"\4\0\xff\xff\xff\xff", true, 0},
	    {"GET / ", true, 0},
	};
	struct precheck found;
	size_t i, bytes;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		found = (struct precheck){NULL, false};
		CU_ASSERT_EQUAL(
		    precheck_header(headers[i].header, &bytes, &found),
		    headers[i].goes_on);
		CU_ASSERT_EQUAL(found.exceeds, !headers[i].goes_on);
		if (headers[i].goes_on)
			CU_ASSERT_EQUAL(bytes, headers[i].bytes);
	}
}

static const struct test_case cases[] = {
    {"finds what is wrong", finds_what_is_wrong},
    {"finds what is missing", finds_what_is_missing},
    {"counts", counts},
    {"reads the header", reads_the_header},
    {0},
};

TEST_SUITE(precheck, cases)
