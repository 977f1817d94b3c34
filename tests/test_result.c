/*
 * Results: what the destination said goes round, and half a record is none.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/fs.h"
#include "../spool/result.h"
#include "test.h"
#include "test_fixture.h"

#define ITEM "20261123T225001.123456Z-m17-" TEST_UID ".dcm"
#define KEY  "20261123T225001.123456Z-m17"
#define HEAD RESULT_MAGIC "\nItem: " ITEM "\n"
#define TAIL "State: failed\nStatus: 0xC000\n"

static const struct result whole = {.item = ITEM,
    .association = TEST_ASSOCIATION,
    .message_id = 17,
    .sop_instance = TEST_UID,
    .destination = "PACS",
    .state = RESULT_FAILED,
    .status = 0xC123,
    .error_comment = "M\xc3\xbcller\nStatus: 0x0000",
    .offending = {0x00100020, 0x7FE00010},
    .offending_n = 2,
    .reason = "the destination refused it",
    .attempts = 3,
    .breaks = 2,
    .deaths = 1,
    .answer_lost = true,
    .first_us = 1795474201123456,
    .last_us = 1795474201123457,
    .next_us = 1795474201123458};

static void
check_equal(const struct result *a, const struct result *b)
{
	CU_ASSERT_STRING_EQUAL(a->item, b->item);
	CU_ASSERT_STRING_EQUAL(a->association, b->association);
	CU_ASSERT_EQUAL(a->message_id, b->message_id);
	CU_ASSERT_STRING_EQUAL(a->sop_instance, b->sop_instance);
	CU_ASSERT_STRING_EQUAL(a->destination, b->destination);
	CU_ASSERT_EQUAL(a->state, b->state);
	CU_ASSERT_EQUAL(a->status, b->status);
	CU_ASSERT_STRING_EQUAL(a->error_comment, b->error_comment);
	CU_ASSERT_EQUAL(a->offending_n, b->offending_n);
	CU_ASSERT_EQUAL(
	    memcmp(a->offending, b->offending, sizeof(a->offending)), 0);
	CU_ASSERT_STRING_EQUAL(a->reason, b->reason);
	CU_ASSERT_EQUAL(a->attempts, b->attempts);
	CU_ASSERT_EQUAL(a->breaks, b->breaks);
	CU_ASSERT_EQUAL(a->deaths, b->deaths);
	CU_ASSERT_EQUAL(a->answer_lost, b->answer_lost);
	CU_ASSERT_EQUAL(a->first_us, b->first_us);
	CU_ASSERT_EQUAL(a->last_us, b->last_us);
	CU_ASSERT_EQUAL(a->next_us, b->next_us);
}

static void
goes_round(void)
{
	static const enum result_state states[] = {
	    RESULT_DELIVERED, RESULT_DEFERRED, RESULT_FAILED, RESULT_REMOVED};
	static const int statuses[] = {
	    0x0000, 0xB000, 0xA700, 0xFFFF, RESULT_NO_STATUS};
	struct result r = whole, back;
	char text[RESULT_SIZE];
	struct err err;
	size_t size, i, j;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		for (j = 0; j < sizeof(statuses) / sizeof(statuses[0]); j++) {
			r.state = states[i];
			r.status = statuses[j];
			CU_ASSERT_EQUAL(result_pack(&r, text, &size, &err), 0);
			CU_ASSERT_EQUAL(size, strlen(text));
			CU_ASSERT_EQUAL(
			    result_unpack(text, size, &back, &err), 0);
			check_equal(&r, &back);
		}
	r = (struct result){.item = "a.dcm",
	    .destination = "PACS",
	    .state = RESULT_DEFERRED,
	    .status = RESULT_NO_STATUS};
	CU_ASSERT_EQUAL(result_pack(&r, text, &size, &err), 0);
	CU_ASSERT_EQUAL(result_unpack(text, size, &back, &err), 0);
	check_equal(&r, &back);
}

static void
the_longest_fits(void)
{
	struct result r = whole, back;
	char text[RESULT_SIZE];
	struct err err;
	size_t size, i;

	memset(r.error_comment, '\x01', RESULT_COMMENT_SIZE - 1);
	memset(r.reason, '\x02', RESULT_REASON_SIZE - 1);
	memset(r.destination, 'D', NAME_DEST_SIZE - 1);
	memset(r.item, 'i', NAME_ITEM_SIZE - 1);
	memset(r.sop_instance, '1', NAME_UID_SIZE - 1);
	for (i = 0; i < RESULT_OFFENDING; i++)
		r.offending[i] = 0xFFFFFFFF;
	r.offending_n = RESULT_OFFENDING;
	r.attempts = r.breaks = r.deaths = INT32_MAX;
	CU_ASSERT_EQUAL(result_pack(&r, text, &size, &err), 0);
	CU_ASSERT_EQUAL(result_unpack(text, size, &back, &err), 0);
	check_equal(&r, &back);
}

/* Never a success that is not true. */
static void
half_a_record_is_none(void)
{
	struct result r = whole, back;
	char text[RESULT_SIZE];
	struct err err;
	size_t size, i, status_end;
	int wrong = 0;

	r.state = RESULT_FAILED;
	CU_ASSERT_EQUAL(result_pack(&r, text, &size, &err), 0);
	status_end = (size_t)(strstr(text, "0xC123\n") + 7 - text);
	for (i = 0; i < size; i++)
		if (result_unpack(text, i, &back, &err) == 0)
			wrong += i < status_end ||
				 back.state != RESULT_FAILED ||
				 back.status != 0xC123;
		else
			wrong += err.class != ERR_CORRUPT;
	CU_ASSERT_EQUAL(wrong, 0);
}

static void
knows_what_is_none(void)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"", -1},
	    {"dcmspool-result 2\n" TAIL, -1},
	    {HEAD, -1},
	    {HEAD "State: failed\n", -1},
	    {HEAD "Status: 0x0000\n", -1},
	    {HEAD TAIL, 0},
	    {HEAD "Unknown: to us\n" TAIL, 0},
	    {HEAD "State: Failed\nStatus: 0x0000\n", -1},
	    {HEAD "State: failed\nStatus: 0000\n", -1},
	    {HEAD "State: failed\nStatus: 0x10000\n", -1},
	    {HEAD "Attempts: -1\n" TAIL, -1},
	    {HEAD "MessageID: 65536\n" TAIL, -1},
	    {HEAD "Next-Attempt: soon\n" TAIL, -1},
	    {HEAD "OffendingElement: 0010,0020\n" TAIL, -1},
	    {HEAD "OffendingElement: (0010,0020\n" TAIL, -1},
	    {HEAD "OffendingElement: (0010,0020) (0010,0030)\n" TAIL, 0},
	    {HEAD "SOPInstanceUID: "
		  "12345678901234567890123456789012345678901234567890123456789"
		  "0123456\n" TAIL,
		-1},
	};
	struct result r;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		TEST_ROW(result_unpack(rows[i].text, strlen(rows[i].text), &r,
			     &err) == rows[i].rc,
		    rows[i].text);
}

static void
markers_go_to_who_waits(void)
{
	struct result r = whole, back;
	struct spool spool;
	struct err err;
	int fd;

	test_spool_create(&spool);
	fd = spool.root_fd;
	/* No folder: nobody waits, and none is made. */
	CU_ASSERT_EQUAL(result_write_marker(fd, &r, &err), 0);
	CU_ASSERT_EQUAL(test_count(fd, "result"), 0);
	CU_ASSERT_EQUAL(fs_mkdir(fd, "result/" TEST_ASSOCIATION, &err), 0);
	CU_ASSERT_EQUAL(
	    result_read_marker(fd, TEST_ASSOCIATION, KEY, "PACS", &back, &err),
	    0);
	CU_ASSERT_EQUAL(result_write_marker(fd, &r, &err), 1);
	CU_ASSERT_TRUE(
	    test_there(fd, "result/" TEST_ASSOCIATION "/" KEY ".PACS"));
	CU_ASSERT_EQUAL(test_count(fd, "result/" TEST_ASSOCIATION), 1);
	CU_ASSERT_EQUAL(
	    result_read_marker(fd, TEST_ASSOCIATION, KEY, "PACS", &back, &err),
	    1);
	check_equal(&r, &back);

	r.association[0] = '\0'; /* a foreign item */
	CU_ASSERT_EQUAL(result_write_marker(fd, &r, &err), 0);
	(void)strcpy(r.association, "../tmp");
	CU_ASSERT_EQUAL(result_write_marker(fd, &r, &err), 0);
	r = whole;
	(void)strcpy(r.item, "a.dcm");
	CU_ASSERT_EQUAL(result_write_marker(fd, &r, &err), 0);
	CU_ASSERT_EQUAL(test_count(fd, "result/" TEST_ASSOCIATION), 1);
	CU_ASSERT_EQUAL(test_count(fd, "tmp"), 0);
	spool_close(&spool);
}

static void
an_empty_marker_is_corrupt(void)
{
	struct spool spool;
	struct result back;
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(
	    fs_mkdir(spool.root_fd, "result/" TEST_ASSOCIATION, &err), 0);
	test_write_text(
	    spool.root_fd, "result/" TEST_ASSOCIATION "/" KEY ".PACS", "");
	CU_ASSERT_EQUAL(result_read_marker(spool.root_fd, TEST_ASSOCIATION, KEY,
			    "PACS", &back, &err),
	    -1);
	CU_ASSERT_EQUAL(err.class, ERR_CORRUPT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, KEY ".PACS"));
	spool_close(&spool);
}

static void
records_stay_with_the_item(void)
{
	struct result r = whole, back;
	struct spool spool;
	struct err err;
	int fd;

	test_spool_create(&spool);
	fd = spool.root_fd;
	CU_ASSERT_EQUAL(result_read_record(fd, "PACS", ITEM, &back, &err), 0);
	CU_ASSERT_EQUAL(result_write_record(fd, &r, &err), -1);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "PACS", &err), 0);
	CU_ASSERT_EQUAL(result_write_record(fd, &r, &err), 0);
	CU_ASSERT_TRUE(test_there(fd, "queue/PACS/result/" ITEM));
	r.attempts++;
	CU_ASSERT_EQUAL(result_write_record(fd, &r, &err), 0);
	CU_ASSERT_EQUAL(result_read_record(fd, "PACS", ITEM, &back, &err), 1);
	check_equal(&r, &back);
	CU_ASSERT_EQUAL(test_count(fd, "queue/PACS/result"), 1);
	spool_close(&spool);
}

static const struct test_case cases[] = {
    {"goes round, every state and status", goes_round},
    {"the longest one fits", the_longest_fits},
    {"half a record is none", half_a_record_is_none},
    {"knows what is none", knows_what_is_none},
    {"markers go to who waits", markers_go_to_who_waits},
    {"an empty marker is corrupt", an_empty_marker_is_corrupt},
    {"records stay with the item", records_stay_with_the_item},
    {0},
};

TEST_SUITE(result, cases)
