/*
 * Names: what is ours, and what may stand in a path.
 */
#include <string.h>

#include "../spool/name.h"
#include "test.h"

#define STAMP "20261123T225001.123456Z"
#define UID64 "1.2.840.113619.2.55.3.604688119.971.1234567890.123.4567890123456"

static void
goes_round(void)
{
	static const struct {
		struct item_name name;
		const char *file;
	} rows[] = {
	    {{1795474201123456, 17, "1.2.840.113619.2.55.3.604"},
		STAMP "-m17-1.2.840.113619.2.55.3.604.dcm"},
	    {{1795474201123456, 0, "1"}, STAMP "-m0-1.dcm"},
	    {{1795474201123456, 65535, UID64}, STAMP "-m65535-" UID64 ".dcm"},
	    {{0, 1, "0.00.007"}, "19700101T000000.000000Z-m1-0.00.007.dcm"},
	};
	struct item_name back;
	char file[NAME_ITEM_SIZE], key[NAME_KEY_SIZE];
	size_t i;

	CU_ASSERT_EQUAL(strlen(UID64), 64);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		name_format(&rows[i].name, file);
		CU_ASSERT_STRING_EQUAL(file, rows[i].file);
		CU_ASSERT_EQUAL(name_parse(file, &back), 1);
		CU_ASSERT_EQUAL(back.stamp_us, rows[i].name.stamp_us);
		CU_ASSERT_EQUAL(back.message_id, rows[i].name.message_id);
		CU_ASSERT_STRING_EQUAL(back.uid, rows[i].name.uid);
		name_key_format(&back, key);
		CU_ASSERT_EQUAL(strncmp(key, file, strlen(key)), 0);
		CU_ASSERT_EQUAL(file[strlen(key)], '-');
	}
}

static void
refuses_malformed_names(void)
{
	static const char *const names[] = {
	    "",
	    ".dcm",
	    "a.dcm",
	    STAMP,
	    STAMP ".dcm",
	    STAMP "-m17.dcm",
	    STAMP "-m17-.dcm",
	    STAMP "-m17-1.2",
	    STAMP "-m17-1.2.DCM",
	    STAMP "-m17-1.2.dcm~",
	    STAMP "-m17-1.2.dcm.dcm",
	    STAMP "-M17-1.2.dcm",
	    STAMP "-17-1.2.dcm",
	    STAMP "_m17-1.2.dcm",
	    STAMP "-m-1.2.dcm",
	    STAMP "-m017-1.2.dcm",
	    STAMP "-m00-1.2.dcm",
	    STAMP "-m65536-1.2.dcm",
	    STAMP "-m99999999999999999999-1.2.dcm",
	    STAMP "-m+1-1.2.dcm",
	    STAMP "-m1 -1.2.dcm",
	    STAMP "-m17-1..2.dcm",
	    STAMP "-m17-.1.2.dcm",
	    STAMP "-m17-1.2..dcm",
	    STAMP "-m17-1.2a.dcm",
	    STAMP "-m17-1/2.dcm",
	    STAMP "-m17-../1.dcm",
	    STAMP "-m17-" UID64 "7.dcm",
	    " " STAMP "-m17-1.2.dcm",
	    "." STAMP "-m17-1.2.dcm~",
	    "20261323T225001.123456Z-m17-1.2.dcm",
	    "20261123T225001.12345Z-m17-1.2.3.4.dcm",
	};
	struct item_name name;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		TEST_ROW(!name_parse(names[i], &name), names[i]);
}

static void
checks_uids(void)
{
	static const struct {
		const char *uid;
		bool valid;
	} rows[] = {
	    {"1", true},
	    {"1.2.840.10008.1.1", true},
	    {"1.02.3", true},
	    {UID64, true},
	    {UID64 "1", false},
	    {"", false},
	    {".", false},
	    {".1", false},
	    {"1.", false},
	    {"1..2", false},
	    {"1.2 ", false},
	    {"1.2\n", false},
	    {"1.2/3", false},
	    {"..", false},
	    {"../../etc/passwd", false},
	    {"1.2.x", false},
	    {"-1.2", false},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(
		    name_uid_valid(rows[i].uid) == rows[i].valid, rows[i].uid);
}

static void
checks_destinations(void)
{
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {
	    {"PACS", true},
	    {"a", true},
	    {"9.b_C-d", true},
	    {"", false},
	    {".PACS", false},
	    {"-PACS", false},
	    {"_PACS", false},
	    {"PA CS", false},
	    {"PA/CS", false},
	    {"PACS\n", false},
	    {"P\xc3\xa4"
	     "CS",
		false},
	};
	char longest[NAME_DEST_SIZE + 1];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(name_destination_valid(rows[i].name) == rows[i].valid,
		    rows[i].name);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT_FALSE(name_destination_valid(longest));
	CU_ASSERT_TRUE(name_destination_valid(longest + 1));
}

static void
knows_what_counts(void)
{
	static const struct {
		const char *file;
		bool counts;
	} rows[] = {
	    {"a.dcm", true},
	    {STAMP "-m17-1.2.dcm", true},
	    {".dcm", false},
	    {".a.dcm", false},
	    {"a.DCM", false},
	    {"a.dcm.part", false},
	    {"dcm", false},
	    {"", false},
	};
	char longest[NAME_FILE_SIZE + 1];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(
		    name_is_item(rows[i].file) == rows[i].counts, rows[i].file);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + sizeof(longest) - 5, ".dcm", 5);
	CU_ASSERT_FALSE(name_is_item(longest));
	CU_ASSERT_TRUE(name_is_item(longest + 1));
}

static const struct test_case cases[] = {
    {"format and parse go round", goes_round},
    {"refuses every malformed name", refuses_malformed_names},
    {"checks UIDs", checks_uids},
    {"checks destinations", checks_destinations},
    {"knows what counts as an item", knows_what_counts},
    {0},
};

TEST_SUITE(name, cases)
