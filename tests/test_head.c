/*
 * A file that is sent as if it were a data set is told by its first bytes,
 * however they are cut.
 */
#include <string.h>

#include "../receiver/head.h"
#include "test.h"

#define EXPLICIT "1.2.840.10008.1.2.1"
#define DEFLATED "1.2.840.10008.1.2.1.99"

static bool
is_file(const uint8_t *data, size_t size, size_t step, const char *syntax)
{
	struct head head = {.size = 0};
	size_t at, n;

	for (at = 0; at < size; at += n) {
		n = size - at < step ? size - at : step;
		head_add(&head, data + at, n);
	}
	return head_is_file(&head, syntax);
}

static void
what_begins_like_a_file(void)
{
	uint8_t file[200] = {0};
	static const struct {
		uint8_t data[8];
		size_t size;
		bool is_file;
	} cases[] = {
	    {{2, 0, 0, 0, 'U', 'L'}, 6, true},
	    {{0, 2, 0, 0, 'U', 'L'}, 6, true},
	    {"DICM", 4, true},
	    {{8, 0, 5, 0, 'C', 'S'}, 6, false},
	    {{0, 8, 0, 5, 'C', 'S'}, 6, false},
	    {"DIC", 3, false},
	    {{2}, 1, false},
	    {{0}, 0, false},
	};
	size_t i, step;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (step = 1; step < 8; step++) {
			CU_ASSERT_EQUAL(is_file(cases[i].data, cases[i].size,
					    step, EXPLICIT),
			    cases[i].is_file);
			CU_ASSERT_FALSE(is_file(
			    cases[i].data, cases[i].size, step, DEFLATED));
		}
	memcpy(file + 128, "DICM", 4);
	for (step = 1; step < sizeof(file); step++)
		CU_ASSERT(is_file(file, sizeof(file), step, EXPLICIT));
	CU_ASSERT_FALSE(is_file(file, 131, 131, EXPLICIT));
	file[5] = 1;
	CU_ASSERT_FALSE(is_file(file, sizeof(file), 200, EXPLICIT));
}

static const struct test_case cases[] = {
    {"what begins like a file", what_begins_like_a_file}, {0}};
TEST_SUITE(head, cases)
