/*
 * Paths: where everything is.
 */
#include <string.h>

#include "../spool/path.h"
#include "test.h"

#define LONGEST_DEST                                                           \
	"a123456789012345678901234567890123456789012345678901234567890123"

static void
puts_things_where_they_belong(void)
{
	char out[PATH_SIZE];

	path_destination(out, "PACS");
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS");
	path_state(out, "PACS", QUEUE_NEW);
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS/new");
	path_item(out, "PACS", QUEUE_FAILED, "x.dcm");
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS/failed/x.dcm");
	path_records(out, "PACS");
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS/result");
	path_record(out, "PACS", "x.dcm");
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS/result/x.dcm");
	path_down(out, "PACS");
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS/down");
	path_paused(out, "PACS");
	CU_ASSERT_STRING_EQUAL(out, "queue/PACS/paused");
	path_association(out, "A");
	CU_ASSERT_STRING_EQUAL(out, "result/A");
	path_marker(out, "A", "K", "PACS");
	CU_ASSERT_STRING_EQUAL(out, "result/A/K.PACS");
}

/* What an association receives is removed by its name, and found by nobody. */
static void
hides_what_is_received(void)
{
	static const char prefix[] = "tmp/A.";
	char one[PATH_SIZE], two[PATH_SIZE];
	struct err err;

	CU_ASSERT_EQUAL(path_tmp(one, "A", &err), 0);
	CU_ASSERT_EQUAL(path_tmp(two, "A", &err), 0);
	CU_ASSERT_EQUAL(strncmp(one, prefix, strlen(prefix)), 0);
	CU_ASSERT_EQUAL(strlen(one), strlen(prefix) + 16);
	CU_ASSERT_EQUAL(strspn(one + strlen(prefix), "0123456789abcdef"), 16);
	CU_ASSERT_STRING_NOT_EQUAL(one, two);
}

static void
names_states(void)
{
	static const char *const words[QUEUE_STATES] = {
	    "new", "active", "deferred", "hold", "failed", "sent", "corrupt"};
	enum queue_state state;
	int i;

	for (i = 0; i < QUEUE_STATES; i++) {
		CU_ASSERT_STRING_EQUAL(
		    queue_state_name((enum queue_state)i), words[i]);
		CU_ASSERT_EQUAL(queue_state_parse(words[i], &state), 1);
		CU_ASSERT_EQUAL(state, (enum queue_state)i);
	}
	CU_ASSERT_EQUAL(queue_state_parse("result", &state), 0);
	CU_ASSERT_EQUAL(queue_state_parse("", &state), 0);
}

static void
checks_associations(void)
{
	static const struct {
		const char *association;
		bool valid;
	} rows[] = {
	    {"20261123T225001.123456Z-4711", true},
	    {"", false},
	    {".", false},
	    {"..", false},
	    {"../x", false},
	    {"a", false},
	    {"1/2", false},
	    {"20261123T225001.123456Z-4711\n", false},
	    {"1234567890123456789012345678901234567890", false},
	};
	char out[PATH_ASSOCIATION_SIZE];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(path_association_valid(rows[i].association) ==
			     rows[i].valid,
		    rows[i].association);
	path_association_format(1795474201123456, 4711, out);
	CU_ASSERT_STRING_EQUAL(out, rows[0].association);
	path_association_format(1795474201123456, INT32_MAX, out);
	CU_ASSERT_TRUE(path_association_valid(out));
}

static void
the_longest_fits(void)
{
	char out[PATH_SIZE], file[NAME_FILE_SIZE];

	memset(file, 'x', sizeof(file) - 1);
	file[sizeof(file) - 1] = '\0';
	CU_ASSERT_TRUE(name_destination_valid(LONGEST_DEST));
	path_item(out, LONGEST_DEST, QUEUE_DEFERRED, file);
	CU_ASSERT_EQUAL(strlen(out),
	    strlen("queue//deferred/") + strlen(LONGEST_DEST) + strlen(file));
}

static const struct test_case cases[] = {
    {"puts things where they belong", puts_things_where_they_belong},
    {"hides what is received", hides_what_is_received},
    {"names states", names_states},
    {"checks associations", checks_associations},
    {"the longest path fits", the_longest_fits},
    {0},
};

TEST_SUITE(path, cases)
