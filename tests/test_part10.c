/*
 * The file meta information: ours, other people's, and what is none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/part10.h"
#include "test.h"
#include "test_fixture.h"

#define DIGEST	 "99aa06d3014798d86001c324468d497f"
#define DCMDUMP	 "/usr/bin/dcmdump"
#define CT_CLASS "1.2.840.10008.5.1.4.1.1.2"
/* (0008,0005) CS ISO_IR 100, (0010,0020) LO 12345678 */
#define DATA_SET                                                               \
	"\x08\0\x05\0CS\x0a\0ISO_IR 100\x10\0\x20\0LO\x08\0"                   \
	"12345678"

static void
pack(const struct part10 *p, uint8_t out[PART10_SIZE], size_t *size)
{
	struct err err;

	CU_ASSERT_EQUAL_FATAL(part10_pack(p, out, size, &err), 0);
}

static void
complete(struct part10 *p)
{
	p->envelope.data_set_bytes = sizeof(DATA_SET) - 1;
	(void)strcpy(p->envelope.digest, DIGEST);
}

static void
goes_round(void)
{
	struct part10 p, back;
	uint8_t out[PART10_SIZE];
	struct err err;
	size_t size;

	test_part10(&p);
	complete(&p);
	pack(&p, out, &size);
	CU_ASSERT_EQUAL_FATAL(part10_unpack(out, size, &back, &err), 0);
	CU_ASSERT_STRING_EQUAL(back.sop_class, p.sop_class);
	CU_ASSERT_STRING_EQUAL(back.sop_instance, p.sop_instance);
	CU_ASSERT_STRING_EQUAL(back.transfer_syntax, p.transfer_syntax);
	CU_ASSERT_STRING_EQUAL(back.calling_aet, "JD-SCU");
	CU_ASSERT_STRING_EQUAL(back.called_aet, "ENS-SCP");
	CU_ASSERT_TRUE(back.has_envelope);
	CU_ASSERT_EQUAL(back.envelope.message_id, 17);
	CU_ASSERT_STRING_EQUAL(back.envelope.digest, DIGEST);
	CU_ASSERT_EQUAL(back.data_set_offset, size);
}

static void
can_be_completed_in_place(void)
{
	struct part10 p;
	uint8_t out[PART10_SIZE];
	size_t before, after;

	test_part10(&p);
	pack(&p, out, &before);
	complete(&p);
	p.envelope.data_set_bytes = INT64_MAX;
	p.envelope.message_id = 65535;
	pack(&p, out, &after);
	CU_ASSERT_EQUAL(before, after);
	CU_ASSERT_EQUAL(after % 2, 0);
}

static void
the_longest_fits(void)
{
	struct part10 p;
	uint8_t out[PART10_SIZE];
	size_t size;

	test_part10(&p);
	complete(&p);
	memset(p.sop_class, '1', NAME_UID_SIZE - 1);
	memset(p.sop_instance, '1', NAME_UID_SIZE - 1);
	memset(p.transfer_syntax, '1', NAME_UID_SIZE - 1);
	memset(p.envelope.calling_aet, 'A', ENVELOPE_AET_SIZE - 1);
	memset(p.envelope.called_aet, 'A', ENVELOPE_AET_SIZE - 1);
	pack(&p, out, &size);
	CU_ASSERT_TRUE(size <= PART10_SIZE);
}

/* In memory of exactly its size, so that a sanitizer sees a look beyond. */
static int
unpack_exactly(const uint8_t *data, size_t size, struct part10 *p)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	struct err err = {.class = ERR_NONE};
	int rc;

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	rc = part10_unpack(copy, size, p, &err);
	free(copy);
	if (rc == -1 && err.class != ERR_CORRUPT)
		return -2;
	return rc;
}

static void
refuses_what_is_cut_off(void)
{
	struct part10 p, back;
	uint8_t out[PART10_SIZE];
	size_t size, i;
	int wrong = 0;

	test_part10(&p);
	complete(&p);
	pack(&p, out, &size);
	for (i = 0; i < size; i++)
		wrong += unpack_exactly(out, i, &back) != -1;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(unpack_exactly(out, size, &back), 0);
}

/* The envelope is the last element: longer than what is there. */
static void
refuses_a_length_beyond_the_end(void)
{
	struct part10 p, back;
	uint8_t out[PART10_SIZE], *length;
	size_t size;

	test_part10(&p);
	complete(&p);
	pack(&p, out, &size);
	length = out + size - ENVELOPE_SIZE - 4;
	CU_ASSERT_EQUAL(length[0] | length[1] << 8, ENVELOPE_SIZE);
	length[0] = 2;
	CU_ASSERT_EQUAL(unpack_exactly(out, size, &back), -1);
	length[0] = length[1] = length[2] = length[3] = 0xff;
	CU_ASSERT_EQUAL(unpack_exactly(out, size, &back), -1);
}

/* Each byte set to each of a few values: refused, or read, and no more. */
static void
survives_any_byte(void)
{
	static const uint8_t values[] = {0, 1, 0x20, 'Q', 0x7f, 0x80, 0xff};
	struct part10 p, back;
	uint8_t out[PART10_SIZE], saved;
	size_t size, i, j;
	int wrong = 0, rc;

	test_part10(&p);
	complete(&p);
	pack(&p, out, &size);
	for (i = 128; i < size; i++)
		for (j = 0; j < sizeof(values); j++) {
			saved = out[i];
			out[i] = values[j];
			rc = unpack_exactly(out, size, &back);
			wrong += rc != 0 && rc != -1;
			wrong += rc == 0 && back.data_set_offset > size;
			wrong += rc == 0 && !name_uid_valid(back.sop_instance);
			out[i] = saved;
		}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void
refuses_bad_uids(void)
{
	static const char *const uids[] = {
	    "", "..", "1.2/3", "1.2\n", "1.a", "1..2", "1.2 3"};
	struct part10 p, back;
	uint8_t out[PART10_SIZE];
	size_t size, i;

	for (i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		test_part10(&p);
		complete(&p);
		(void)strcpy(p.sop_instance, uids[i]);
		pack(&p, out, &size);
		TEST_ROW(unpack_exactly(out, size, &back) == -1, uids[i]);
		test_part10(&p);
		complete(&p);
		(void)strcpy(p.transfer_syntax, uids[i]);
		pack(&p, out, &size);
		TEST_ROW(unpack_exactly(out, size, &back) == -1, uids[i]);
	}
}

static void
refuses_a_broken_envelope(void)
{
	struct part10 p, back;
	uint8_t out[PART10_SIZE], *at;
	size_t size;

	test_part10(&p); /* not completed */
	pack(&p, out, &size);
	CU_ASSERT_EQUAL(unpack_exactly(out, size, &back), -1);
	complete(&p);
	pack(&p, out, &size);
	at = memmem(out, size, ENVELOPE_MAGIC, strlen(ENVELOPE_MAGIC));
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	/* Somebody else's private information is as good as none. */
	at[0] = 'D';
	CU_ASSERT_EQUAL(unpack_exactly(out, size, &back), 0);
	CU_ASSERT_FALSE(back.has_envelope);
}

/* Real files; "" where it is no Part 10 file with a group length. */
static void
reads_real_files(void)
{
	static const struct {
		const char *file, *class, *instance, *syntax;
	} rows[] = {
	    {"CT_small.dcm", CT_CLASS,
		"1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
		"1.2.840.10008.1.2.1"},
	    {"MR_small_bigendian.dcm", "1.2.840.10008.5.1.4.1.1.4",
		"1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457",
		"1.2.840.10008.1.2.2"},
	    {"JPEG2000.dcm", "1.2.840.10008.5.1.4.1.1.7",
		"1.3.6.1.4.1.5962.1.1.8.1.3.20040826185059.5457",
		"1.2.840.10008.1.2.4.91"},
	    {"rtplan.dcm", "1.2.840.10008.5.1.4.1.1.481.5",
		"1.2.999.999.99.9.9999.9999.20030903150023",
		"1.2.840.10008.1.2"},
	    {"no_meta.dcm", "", "", ""},
	    {"no_meta_group_length.dcm", "", "", ""},
	    {"meta_missing_tsyntax.dcm", "", "", ""},
	    {"ExplVR_LitEndNoMeta.dcm", "", "", ""},
	    {"README.txt", "", "", ""},
	};
	static uint8_t data[PART10_MAX_SIZE];
	const uint8_t *at;
	struct part10 p;
	struct err err;
	ssize_t got;
	size_t i;
	int dir, fd;

	dir = open(TEST_REAL, O_RDONLY | O_DIRECTORY);
	if (dir == -1) {
		test_skip("no python3-pydicom");
		return;
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = openat(dir, rows[i].file, O_RDONLY);
		got = read(fd, data, sizeof(data));
		(void)close(fd);
		TEST_ROW(got > 0, rows[i].file);
		if (rows[i].class[0] == '\0') {
			TEST_ROW(
			    part10_unpack(data, (size_t)got, &p, &err) == -1,
			    rows[i].file);
			continue;
		}
		TEST_ROW(part10_unpack(data, (size_t)got, &p, &err) == 0,
		    rows[i].file);
		TEST_ROW(strcmp(p.sop_class, rows[i].class) == 0, rows[i].file);
		TEST_ROW(strcmp(p.sop_instance, rows[i].instance) == 0,
		    rows[i].file);
		TEST_ROW(strcmp(p.transfer_syntax, rows[i].syntax) == 0,
		    rows[i].file);
		TEST_ROW(!p.has_envelope, rows[i].file);
		/* Group 0008 of either byte order. */
		at = data + p.data_set_offset;
		TEST_ROW(at[0] + at[1] == 8, rows[i].file);
	}
	(void)close(dir);
}

/* What DCMTK makes of a file of ours. */
static void
dcmdump_reads_it(void)
{
	char path[128], line[512], all[16384] = "";
	struct part10 p;
	uint8_t out[PART10_SIZE + sizeof(DATA_SET)];
	size_t size;
	FILE *pipe;

	if (access(DCMDUMP, X_OK) == -1) {
		test_skip("no dcmdump");
		return;
	}
	test_part10(&p);
	complete(&p);
	pack(&p, out, &size);
	memcpy(out + size, DATA_SET, sizeof(DATA_SET) - 1);
	(void)snprintf(path, sizeof(path), "%s/x.dcm", test_tmpdir());
	test_write(AT_FDCWD, path, out, size + sizeof(DATA_SET) - 1);
	(void)snprintf(line, sizeof(line), DCMDUMP " -Un +L %s 2>&1", path);
	pipe = popen(line, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
	while (fgets(line, sizeof(line), pipe) != NULL)
		if (strlen(all) + strlen(line) < sizeof(all))
			(void)strcat(all, line);
	CU_ASSERT_EQUAL(pclose(pipe), 0);
	CU_ASSERT_PTR_NULL(strstr(all, "W: "));
	CU_ASSERT_PTR_NULL(strstr(all, "E: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "[" TEST_UID "]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "[JD-SCU]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "[ENS-SCP]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "PrivateInformation"));
	CU_ASSERT_PTR_NOT_NULL(strstr(all, "[12345678]"));
}

static const struct test_case cases[] = {
    {"goes round", goes_round},
    {"can be completed in place", can_be_completed_in_place},
    {"the longest one fits", the_longest_fits},
    {"refuses what is cut off", refuses_what_is_cut_off},
    {"refuses a length beyond the end", refuses_a_length_beyond_the_end},
    {"survives any byte", survives_any_byte},
    {"refuses UIDs that are none", refuses_bad_uids},
    {"refuses a broken envelope", refuses_a_broken_envelope},
    {"reads real files", reads_real_files},
    {"dcmdump reads it", dcmdump_reads_it},
    {0},
};

TEST_SUITE(part10, cases)
