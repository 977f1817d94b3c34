/*
 * Command sets: what is packed can be unpacked, and what is none is refused.
 */
#include <string.h>

#include "../spool/command.h"
#include "test.h"

/* One element: group 0000, its number, its length, its value. */
#define EL(e, n) 0, 0, (e)&0xff, (e) >> 8, n, 0, 0, 0
#define FIELD	 EL(0x0100, 2), 0x01, 0x00

struct broken {
	const char *what;
	uint8_t data[40];
	size_t size;
};

static const struct broken broken[] = {
    {"nothing", {0}, 0},
    {"no Command Field", {EL(0x0110, 2), 1, 0}, 10},
    {"an empty Command Field", {EL(0x0100, 0)}, 8},
    {"half an element", {FIELD, 0, 0, 0x10}, 13},
    {"a value cut off", {FIELD, EL(0x0110, 2), 1}, 19},
    {"a length beyond the end", {FIELD, EL(0x0110, 200), 1, 0}, 20},
    {"undefined length",
	{FIELD, 0, 0, 0x02, 0x09, 0xff, 0xff, 0xff, 0xff, 1, 0}, 20},
    {"another group", {FIELD, 8, 0, 0x16, 0, 2, 0, 0, 0, '1', 0}, 20},
    {"out of order", {EL(0x0110, 2), 1, 0, FIELD}, 20},
    {"repeated", {FIELD, FIELD}, 20},
    {"a long number", {FIELD, EL(0x0110, 4), 1, 0, 0, 0}, 22},
    {"a short number", {FIELD, EL(0x0110, 1), 1}, 19},
    {"half a tag", {FIELD, EL(0x0901, 6), 0, 0, 0, 0, 0, 0}, 24},
};

static void
refuses_what_is_none(void)
{
	struct command command;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		err.class = ERR_NONE;
		CU_ASSERT_EQUAL(command_unpack(broken[i].data, broken[i].size,
				    &command, &err),
		    -1);
		CU_ASSERT_EQUAL(err.class, ERR_CORRUPT);
		if (err.class != ERR_CORRUPT)
			CU_FAIL(broken[i].what);
	}
}

static void
check_equal(const struct command *a, const struct command *b)
{
	CU_ASSERT_EQUAL(a->field, b->field);
	CU_ASSERT_STRING_EQUAL(a->sop_class, b->sop_class);
	CU_ASSERT_STRING_EQUAL(a->sop_instance, b->sop_instance);
	CU_ASSERT_EQUAL(a->has_message_id, b->has_message_id);
	CU_ASSERT_EQUAL(a->message_id, b->message_id);
	CU_ASSERT_EQUAL(a->priority, b->priority);
	CU_ASSERT_EQUAL(a->has_data_set_type, b->has_data_set_type);
	CU_ASSERT_EQUAL(a->data_set_type, b->data_set_type);
	CU_ASSERT_EQUAL(a->has_status, b->has_status);
	CU_ASSERT_EQUAL(a->status, b->status);
	CU_ASSERT_STRING_EQUAL(a->move_aet, b->move_aet);
	CU_ASSERT_EQUAL(a->move_message_id, b->move_message_id);
	CU_ASSERT_EQUAL(a->offending_n, b->offending_n);
	CU_ASSERT_EQUAL(memcmp(a->offending, b->offending,
			    a->offending_n * sizeof(a->offending[0])),
	    0);
}

static void
packs_what_it_unpacks(void)
{
	static const struct command commands[] = {
	    {.field = COMMAND_C_ECHO_RQ,
		.sop_class = COMMAND_VERIFICATION_CLASS,
		.has_message_id = true,
		.message_id = 65535,
		.has_data_set_type = true,
		.data_set_type = COMMAND_NO_DATA_SET},
	    {.field = COMMAND_C_STORE_RQ,
		.sop_class = "1.2.840.10008.5.1.4.1.1.7",
		.sop_instance = "1.2.3",
		.has_message_id = true,
		.message_id = 4711,
		.priority = 2,
		.has_data_set_type = true,
		.data_set_type = 1,
		.move_aet = "MOVER",
		.move_message_id = 7},
	    {.field = COMMAND_C_STORE_RSP,
		.has_message_id = true,
		.message_id = 0,
		.has_data_set_type = true,
		.data_set_type = COMMAND_NO_DATA_SET,
		.has_status = true,
		.status = 0xa700,
		.offending = {0x00100020, 0x7fe00010},
		.offending_n = 2},
	};
	uint8_t data[COMMAND_OUT_SIZE];
	struct command back;
	size_t i, size;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(
		    command_pack(&commands[i], data, &size, NULL), 0);
		CU_ASSERT_EQUAL(size % 2, 0);
		CU_ASSERT_EQUAL_FATAL(
		    command_unpack(data, size, &back, NULL), 0);
		check_equal(&commands[i], &back);
	}
}

static void
writes_the_bytes_of_the_standard(void)
{
	static const uint8_t expected[] = {EL(0x0000, 4), 56, 0, 0, 0, /**/
	    EL(0x0002, 18), '1', '.', '2', '.', '8', '4', '0', '.', '1', '0',
	    '0', '0', '8', '.', '1', '.', '1', 0, /**/
	    EL(0x0100, 2), 0x30, 0x00,		  /**/
	    EL(0x0110, 2), 0x34, 0x12,		  /**/
	    EL(0x0800, 2), 0x01, 0x01};
	const struct command command = {.field = COMMAND_C_ECHO_RQ,
	    .sop_class = COMMAND_VERIFICATION_CLASS,
	    .has_message_id = true,
	    .message_id = 0x1234,
	    .has_data_set_type = true,
	    .data_set_type = COMMAND_NO_DATA_SET};
	uint8_t data[COMMAND_OUT_SIZE];
	size_t size = 0;

	CU_ASSERT_EQUAL(command_pack(&command, data, &size, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(size, sizeof(expected));
	CU_ASSERT_EQUAL(memcmp(data, expected, size), 0);
}

static void
fits_at_its_largest(void)
{
	struct command command = {.field = COMMAND_C_STORE_RQ,
	    .has_message_id = true,
	    .has_data_set_type = true,
	    .has_status = true,
	    .offending_n = RESULT_OFFENDING};
	uint8_t data[COMMAND_OUT_SIZE];
	struct command back;
	size_t size;

	memset(command.sop_class, '1', NAME_UID_SIZE - 1);
	memset(command.sop_instance, '2', NAME_UID_SIZE - 1);
	memset(command.move_aet, 'M', ENVELOPE_AET_SIZE - 1);
	memset(command.error_comment, 'c', RESULT_COMMENT_SIZE - 1);
	CU_ASSERT_EQUAL_FATAL(command_pack(&command, data, &size, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(command_unpack(data, size, &back, NULL), 0);
	check_equal(&command, &back);
	CU_ASSERT_STRING_EQUAL(command.error_comment, back.error_comment);
	command.offending_n = RESULT_OFFENDING + 1;
	CU_ASSERT_EQUAL(command_pack(&command, data, &size, NULL), -1);
}

struct uid_case {
	uint8_t data[90];
	size_t size;
	const char *uid; /* NULL: absent */
};

static void
check_uid(const struct uid_case *c)
{
	struct command command;

	CU_ASSERT_EQUAL_FATAL(
	    command_unpack(c->data, c->size, &command, NULL), 0);
	CU_ASSERT_EQUAL(command.has_sop_instance, c->uid != NULL);
	CU_ASSERT_STRING_EQUAL(
	    command.sop_instance, c->uid == NULL ? "" : c->uid);
}

static void
takes_uids_as_they_come(void)
{
	static const struct uid_case cases[] = {
	    {{FIELD}, 10, NULL}, {{FIELD, EL(0x1000, 0)}, 18, ""},
	    {{FIELD, EL(0x1000, 4), '1', '.', '2', 0}, 22, "1.2"},
	    {{FIELD, EL(0x1000, 4), '1', '.', '2', ' '}, 22, "1.2"},
	    {{FIELD, EL(0x1000, 3), '1', '.', '2'}, 21, "1.2"},
	    {{FIELD, EL(0x1000, 4), '.', '.', '/', 'x'}, 22, "../x"},
	    {{FIELD, EL(0x1000, 4), '1', 0, '2', 0}, 22, ""},
	    {{FIELD, EL(0x1000, 66)}, 84, ""}, /* NUL alone */
	};
	struct uid_case longest = {{FIELD, EL(0x1000, 64)}, 82, NULL};
	char uid[NAME_UID_SIZE] = "";
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_uid(&cases[i]);
	memset(longest.data + 18, '7', 64);
	memset(uid, '7', 64);
	longest.uid = uid;
	check_uid(&longest);
	/* one character too many */
	longest.data[14] = 66;
	longest.data[82] = '7';
	longest.size = 84;
	longest.uid = "";
	check_uid(&longest);
}

static void
reads_the_message_id_that_fits_the_field(void)
{
	const uint8_t request[] = {
	    FIELD, EL(0x0110, 2), 1, 0, EL(0x0120, 2), 2, 0};
	const uint8_t response[] = {EL(0x0100, 2), 0x01, 0x80, EL(0x0110, 2), 1,
	    0, EL(0x0120, 2), 2, 0};
	const uint8_t neither[] = {
	    EL(0x0100, 2), 0x01, 0x80, EL(0x0110, 2), 1, 0};
	struct command command;

	CU_ASSERT_EQUAL(
	    command_unpack(request, sizeof(request), &command, NULL), 0);
	CU_ASSERT_TRUE(command.has_message_id);
	CU_ASSERT_EQUAL(command.message_id, 1);
	CU_ASSERT_EQUAL(
	    command_unpack(response, sizeof(response), &command, NULL), 0);
	CU_ASSERT_EQUAL(command.message_id, 2);
	CU_ASSERT_EQUAL(
	    command_unpack(neither, sizeof(neither), &command, NULL), 0);
	CU_ASSERT_FALSE(command.has_message_id);
}

static void
passes_by_what_it_does_not_know(void)
{
	const uint8_t data[] = {EL(0x0000, 4), 9, 9, 9, 9, EL(0x0003, 2), '1',
	    0, FIELD, EL(0x0700, 0), EL(0x0901, 0), EL(0x1030, 8), ' ', 'A',
	    ' ', 'B', ' ', ' ', ' ', ' ', EL(0x1031, 0), EL(0x5110, 1), 'x'};
	const uint8_t control[] = {FIELD, EL(0x1030, 2), 'A', '\n'};
	struct command command;

	CU_ASSERT_EQUAL(command_unpack(data, sizeof(data), &command, NULL), 0);
	CU_ASSERT_STRING_EQUAL(command.move_aet, "A B");
	CU_ASSERT_EQUAL(command.offending_n, 0);
	CU_ASSERT_EQUAL(
	    command_unpack(control, sizeof(control), &command, NULL), 0);
	CU_ASSERT_STRING_EQUAL(command.move_aet, "");
}

static void
keeps_a_comment_as_it_came(void)
{
	const uint8_t data[] = {EL(0x0100, 2), 0x01, 0x80, EL(0x0902, 6), ' ',
	    0xc3, 0xa4, 'x', ' ', ' '};
	struct command command;
	uint8_t back[COMMAND_OUT_SIZE];
	size_t size = 0;

	CU_ASSERT_EQUAL(command_unpack(data, sizeof(data), &command, NULL), 0);
	CU_ASSERT_STRING_EQUAL(command.error_comment, " \303\244x  ");
	CU_ASSERT_EQUAL(command_pack(&command, back, &size, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(size, 12 + sizeof(data));
	CU_ASSERT_EQUAL(memcmp(back + 12, data, sizeof(data)), 0);
}

static const struct test_case cases[] = {
    {"refuses what is no command set", refuses_what_is_none},
    {"unpacks what it packs", packs_what_it_unpacks},
    {"writes the bytes of the standard", writes_the_bytes_of_the_standard},
    {"fits at its largest", fits_at_its_largest},
    {"takes UIDs as they come", takes_uids_as_they_come},
    {"reads the message ID that fits the field",
	reads_the_message_id_that_fits_the_field},
    {"passes by what it does not know", passes_by_what_it_does_not_know},
    {"keeps a comment as it came", keeps_a_comment_as_it_came}, {0}};
TEST_SUITE(command, cases)
