/*
 * The envelope: what the receiver knows goes round, in a fixed size.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/envelope.h"
#include "test.h"

#define ASSOCIATION "20261123T225001.000001Z-4711"
#define DIGEST	    "99aa06d3014798d86001c324468d497f"
#define WHOLE	    ENVELOPE_MAGIC "\nAssociation: " ASSOCIATION "\n"
#define END	    "DataSetLength: 7\nDigest: " DIGEST "\n"

static void
check_equal(const struct envelope *a, const struct envelope *b)
{
	CU_ASSERT_STRING_EQUAL(a->association, b->association);
	CU_ASSERT_EQUAL(a->message_id, b->message_id);
	CU_ASSERT_STRING_EQUAL(a->calling_aet, b->calling_aet);
	CU_ASSERT_STRING_EQUAL(a->called_aet, b->called_aet);
	CU_ASSERT_STRING_EQUAL(a->peer_address, b->peer_address);
	CU_ASSERT_EQUAL(a->received_us, b->received_us);
	CU_ASSERT_EQUAL(a->priority, b->priority);
	CU_ASSERT_STRING_EQUAL(a->move_aet, b->move_aet);
	CU_ASSERT_EQUAL(a->move_message_id, b->move_message_id);
	CU_ASSERT_EQUAL(a->data_set_bytes, b->data_set_bytes);
	CU_ASSERT_STRING_EQUAL(a->digest, b->digest);
}

static void
goes_round(void)
{
	struct envelope e = {.association = ASSOCIATION,
	    .message_id = 4711,
	    .calling_aet = "JD-SCU",
	    .called_aet = "ENS SCP",
	    .peer_address = "[::1]:40000",
	    .received_us = 1795474201123456,
	    .priority = 2,
	    .move_aet = "MOVER",
	    .move_message_id = 65535,
	    .data_set_bytes = (uint64_t)1 << 40,
	    .digest = DIGEST};
	char out[ENVELOPE_SIZE];
	struct envelope back;
	struct err err;

	CU_ASSERT_EQUAL(envelope_pack(&e, out, &err), 0);
	CU_ASSERT_EQUAL(envelope_unpack(out, sizeof(out), &back, &err), 1);
	check_equal(&e, &back);
	e.move_aet[0] = '\0';
	e.move_message_id = 0;
	CU_ASSERT_EQUAL(envelope_pack(&e, out, &err), 0);
	CU_ASSERT_EQUAL(envelope_unpack(out, sizeof(out), &back, &err), 1);
	check_equal(&e, &back);
	CU_ASSERT_PTR_NULL(memmem(out, sizeof(out), "MoveOriginator", 14));
}

/* One that names no association is read, and what is written of it as well. */
static void
without_association(void)
{
	struct envelope e = {.message_id = 1, .digest = DIGEST}, back;
	char out[ENVELOPE_SIZE];
	struct err err;

	CU_ASSERT_EQUAL(envelope_pack(&e, out, &err), 0);
	CU_ASSERT_EQUAL(envelope_unpack(out, sizeof(out), &back, &err), 1);
	check_equal(&e, &back);
}

/* Every byte a control character, every number at its longest. */
static void
the_longest_fits(void)
{
	struct envelope e = {.message_id = UINT16_MAX,
	    .received_us = 253402300799999999,
	    .priority = UINT16_MAX,
	    .move_message_id = UINT16_MAX,
	    .data_set_bytes = INT64_MAX,
	    .digest = DIGEST};
	char out[ENVELOPE_SIZE];
	struct envelope back;
	struct err err;

	memset(e.association, '1', sizeof(e.association) - 1);
	memset(e.calling_aet, '\x01', sizeof(e.calling_aet) - 1);
	memset(e.called_aet, '\x02', sizeof(e.called_aet) - 1);
	memset(e.move_aet, '\x03', sizeof(e.move_aet) - 1);
	memset(e.peer_address, '\x04', sizeof(e.peer_address) - 1);
	CU_ASSERT_EQUAL(envelope_pack(&e, out, &err), 0);
	CU_ASSERT_EQUAL(envelope_unpack(out, sizeof(out), &back, &err), 1);
	check_equal(&e, &back);
}

static void
is_padded_with_spaces(void)
{
	struct envelope e = {.association = ASSOCIATION, .digest = DIGEST};
	char out[ENVELOPE_SIZE];
	const char *end;
	struct err err;

	memset(out, 'x', sizeof(out));
	CU_ASSERT_EQUAL(envelope_pack(&e, out, &err), 0);
	end = memmem(out, sizeof(out), DIGEST "\n", 33);
	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	for (end += 33; end < out + sizeof(out); end++)
		CU_ASSERT_EQUAL(*end, ' ');
}

static void
knows_what_is_none(void)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"", 0},
	    {"something else", 0},
	    {"dcmspool-envelope 2\n" END, 0},
	    {ENVELOPE_MAGIC "\n" END, 1},
	    {WHOLE END "   ", 1},
	    {WHOLE "Unknown: to us\n" END, 1},
	    {WHOLE "MessageID: 17\n", -1},
	    {WHOLE "MessageID: 65536\n" END, -1},
	    {WHOLE "MessageID: x\n" END, -1},
	    {WHOLE "Priority: -1\n" END, -1},
	    {WHOLE "Received: yesterday\n" END, -1},
	    {WHOLE "CallingAET: seventeen letters\n" END, -1},
	    {WHOLE "DataSetLength: -1\n" END, -1},
	    {WHOLE "no line\n" END, -1},
	    {WHOLE END "cut of", -1},
	    {ENVELOPE_MAGIC "\nAssociation: ../../etc\n" END, -1},
	    {WHOLE "Digest: " DIGEST "0\n", -1},
	};
	struct envelope e;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err.class = ERR_NONE;
		TEST_ROW(envelope_unpack(rows[i].text, strlen(rows[i].text), &e,
			     &err) == rows[i].rc,
		    rows[i].text);
		TEST_ROW(
		    rows[i].rc != -1 || err.class == ERR_CORRUPT, rows[i].text);
	}
}

static const struct test_case cases[] = {
    {"goes round", goes_round},
    {"without an association", without_association},
    {"the longest one fits", the_longest_fits},
    {"is padded with spaces", is_padded_with_spaces},
    {"knows what is none, and what is broken", knows_what_is_none},
    {0},
};

TEST_SUITE(envelope, cases)
