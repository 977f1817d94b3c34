/*
 * Text records: what goes in comes out, and a line is a line.
 */
#include <string.h>

#include "../spool/record.h"
#include "test.h"

#define MAGIC "dcmspool-test 1"

/* The one line behind the magic. */
static int
only_line(const char *text, size_t size, struct record_line *line)
{
	size_t cursor;

	return record_open(text, size, MAGIC, &cursor) == 1
		   ? record_next(text, size, &cursor, line)
		   : -2;
}

static void
all_bytes_go_round(void)
{
	char value[256], back[256], text[2048];
	struct record_writer w;
	struct record_line line;
	size_t i;

	for (i = 0; i < 255; i++)
		value[i] = (char)(i + 1);
	value[255] = '\0';
	record_begin(&w, text, sizeof(text), MAGIC);
	record_add(&w, "Value", value);
	CU_ASSERT_FALSE(w.full);
	CU_ASSERT_EQUAL(strlen(text), w.used);
	for (i = 0; i < w.used; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			CU_ASSERT_TRUE(text[i] == '\n' &&
				       (i == strlen(MAGIC) || i == w.used - 1));
	CU_ASSERT_EQUAL_FATAL(only_line(text, w.used, &line), 1);
	CU_ASSERT_TRUE(record_is(&line, "Value"));
	CU_ASSERT_FALSE(record_is(&line, "Valu"));
	CU_ASSERT_FALSE(record_is(&line, "Value2"));
	CU_ASSERT_EQUAL(record_value(&line, back, sizeof(back)), 0);
	CU_ASSERT_STRING_EQUAL(back, value);
	CU_ASSERT_EQUAL(record_value(&line, back, sizeof(back) - 1), -1);
}

static void
a_value_forges_no_line(void)
{
	struct record_writer w;
	char text[128];

	record_begin(&w, text, sizeof(text), MAGIC);
	record_add(&w, "Comment", "x\nStatus: 0x0000\r\t\\");
	CU_ASSERT_STRING_EQUAL(
	    text, MAGIC "\nComment: x\\nStatus: 0x0000\\r\\t\\\\\n");
}

static void
says_when_full(void)
{
	char text[sizeof(MAGIC "\nA: bcd\n")];
	struct record_writer w;

	record_begin(&w, text, sizeof(text), MAGIC);
	record_add(&w, "A", "bcd");
	CU_ASSERT_FALSE(w.full);
	CU_ASSERT_STRING_EQUAL(text, MAGIC "\nA: bcd\n");
	record_begin(&w, text, sizeof(text), MAGIC);
	record_add(&w, "A", "bcde");
	CU_ASSERT_TRUE(w.full);
	CU_ASSERT_EQUAL(strlen(text), sizeof(text) - 1);
	record_begin(&w, text, 4, MAGIC);
	CU_ASSERT_TRUE(w.full);
}

static void
refuses_bad_values(void)
{
	static const struct {
		const char *line, *value; /* NULL: none */
	} rows[] = {
	    {"A: \n", ""},
	    {"A: x\n", "x"},
	    {"A: a: b\n", "a: b"},
	    {"A: \\x41\\x6a\\x6A\n", "Ajj"},
	    {"A: \\\n", NULL},
	    {"A: \\q\n", NULL},
	    {"A: \\x4\n", NULL},
	    {"A: \\x\n", NULL},
	    {"A: \\x4g\n", NULL},
	    {"A: \\x00\n", NULL},
	    {"A: 12345678\n", NULL},
	};
	char text[64], value[8];
	struct record_line line;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)strcpy(text, MAGIC "\n");
		(void)strcat(text, rows[i].line);
		TEST_ROW(
		    only_line(text, strlen(text), &line) == 1, rows[i].line);
		if (rows[i].value == NULL)
			TEST_ROW(
			    record_value(&line, value, sizeof(value)) == -1,
			    rows[i].line);
		else
			TEST_ROW(
			    record_value(&line, value, sizeof(value)) == 0 &&
				strcmp(value, rows[i].value) == 0,
			    rows[i].line);
	}
	/* A NUL in the middle. */
	CU_ASSERT_EQUAL(only_line(MAGIC "\nA: b\0c\n",
			    sizeof(MAGIC "\nA: b\0c\n") - 1, &line),
	    1);
	CU_ASSERT_EQUAL(record_value(&line, value, sizeof(value)), -1);
}

static void
knows_lines(void)
{
	static const struct {
		const char *text;
		int rc; /* -2: not even the first line */
	} rows[] = {
	    {"", -2},
	    {MAGIC, -2},
	    {MAGIC " \n", -2},
	    {"dcmspool-test 2\nA: b\n", -2},
	    {MAGIC "\n", 0},
	    {MAGIC "\n    ", 0},
	    {MAGIC "\nA: b\n", 1},
	    {MAGIC "\nA: b", -1},
	    {MAGIC "\nA b\n", -1},
	    {MAGIC "\nA:b\n", -1},
	    {MAGIC "\nA:\n", -1},
	    {MAGIC "\n: b\n", -1},
	    {MAGIC "\n\nA: b\n", -1},
	};
	struct record_line line;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(only_line(rows[i].text, strlen(rows[i].text), &line) ==
			     rows[i].rc,
		    rows[i].text);
}

static void
reads_numbers(void)
{
	static const struct {
		const char *value;
		int ok;
		int64_t n;
	} rows[] = {
	    {"0", 1, 0},
	    {"-5", 1, -5},
	    {"1000", 1, 1000},
	    {"1001", 0, 0},
	    {"-6", 0, 0},
	    {"", 0, 0},
	    {"-", 0, 0},
	    {"1-2", 0, 0},
	    {"--1", 0, 0},
	    {" 1", 0, 0},
	    {"+1", 0, 0},
	    {"0x10", 0, 0},
	    {"1.5", 0, 0},
	    {"99999999999999999999", 0, 0},
	};
	struct record_line line = {.name = "A", .name_size = 1};
	int64_t n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		line.value = rows[i].value;
		line.value_size = strlen(rows[i].value);
		n = 0;
		TEST_ROW((record_value_int(&line, -5, 1000, &n) == 0) ==
				 rows[i].ok &&
			     n == rows[i].n,
		    rows[i].value);
	}
	line.value = "9223372036854775808"; /* one too many */
	line.value_size = strlen(line.value);
	CU_ASSERT_EQUAL(record_value_int(&line, 0, INT64_MAX, &n), -1);
	line.value = "9223372036854775807";
	CU_ASSERT_EQUAL(record_value_int(&line, 0, INT64_MAX, &n), 0);
	CU_ASSERT_EQUAL(n, INT64_MAX);
}

static void
reads_hex(void)
{
	static const struct {
		const char *value;
		int ok;
		unsigned n;
	} rows[] = {
	    {"0x0000", 1, 0},
	    {"0xA700", 1, 0xA700},
	    {"0xffff", 1, 0xFFFF},
	    {"0x1", 1, 1},
	    {"0x", 0, 0},
	    {"A700", 0, 0},
	    {"0x10000", 0, 0},
	    {"0xG", 0, 0},
	    {"0x-1", 0, 0},
	};
	struct record_line line = {.name = "A", .name_size = 1};
	unsigned n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		line.value = rows[i].value;
		line.value_size = strlen(rows[i].value);
		n = 0;
		TEST_ROW((record_value_hex(&line, &n) == 0) == rows[i].ok &&
			     n == rows[i].n,
		    rows[i].value);
	}
}

static void
numbers_and_times_go_round(void)
{
	struct record_writer w;
	struct record_line line;
	char text[512];
	int64_t n, us;
	unsigned hex;
	size_t cursor;

	record_begin(&w, text, sizeof(text), MAGIC);
	record_add_int(&w, "N", INT64_MIN);
	record_add_hex(&w, "H", 0x12);
	record_add_time(&w, "None", 0);
	record_add_time(&w, "T", 1795474201123456);
	CU_ASSERT_STRING_EQUAL(text,
	    MAGIC "\nN: -9223372036854775808\nH: 0x0012\n"
		  "T: 2026-11-23T22:50:01.123456Z\n");
	CU_ASSERT_EQUAL(record_open(text, w.used, MAGIC, &cursor), 1);
	CU_ASSERT_EQUAL(record_next(text, w.used, &cursor, &line), 1);
	CU_ASSERT_EQUAL(record_value_int(&line, INT64_MIN, INT64_MAX, &n), 0);
	CU_ASSERT_EQUAL(n, INT64_MIN);
	CU_ASSERT_EQUAL(record_value_time(&line, &us), -1);
	CU_ASSERT_EQUAL(record_next(text, w.used, &cursor, &line), 1);
	CU_ASSERT_EQUAL(record_value_hex(&line, &hex), 0);
	CU_ASSERT_EQUAL(hex, 0x12);
	CU_ASSERT_EQUAL(record_next(text, w.used, &cursor, &line), 1);
	CU_ASSERT_EQUAL(record_value_time(&line, &us), 0);
	CU_ASSERT_EQUAL(us, 1795474201123456);
	CU_ASSERT_EQUAL(record_next(text, w.used, &cursor, &line), 0);
}

static const struct test_case cases[] = {
    {"all bytes go round", all_bytes_go_round},
    {"a value forges no line", a_value_forges_no_line},
    {"says when it is full", says_when_full},
    {"refuses bad values", refuses_bad_values},
    {"knows what a line is", knows_lines},
    {"reads numbers within a range", reads_numbers},
    {"reads hexadecimal", reads_hex},
    {"numbers and times go round", numbers_and_times_go_round},
    {0},
};

TEST_SUITE(record, cases)
