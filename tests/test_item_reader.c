/*
 * Items, the reading side: whole ones, and all the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../spool/fs.h"
#include "../spool/item.h"
#include "test.h"
#include "test_fixture.h"

#define SIZE	100000				   /* of the data set */
#define EMPTY	"99aa06d3014798d86001c324468d497f" /* XXH3-128 of nothing */
#define PATH(x) "queue/A/new/" x ".dcm"

/* A whole item whose data set is a ramp, but for one byte. */
static size_t
build(const struct part10 *like, size_t size, size_t change, uint8_t **out)
{
	uint8_t header[PART10_SIZE], *data;
	struct item_digest *digest;
	struct part10 p = *like;
	struct err err;
	size_t n, i;

	data = malloc(PART10_SIZE + size);
	digest = item_digest_create(&err);
	if (data == NULL || digest == NULL)
		abort();
	p.envelope.data_set_bytes = size;
	(void)strcpy(p.envelope.digest, EMPTY);
	CU_ASSERT_EQUAL(part10_pack(&p, header, &n, &err), 0);
	for (i = 0; i < size; i++)
		data[n + i] = (uint8_t)(i * 7 + i / 256 + (i == change));
	item_digest_update(digest, data + n, size);
	item_digest_final(digest, p.envelope.digest);
	item_digest_free(digest);
	CU_ASSERT_EQUAL(part10_pack(&p, data, &n, &err), 0);
	*out = data;
	return n + size;
}

static void
put_item(const struct spool *spool, const char *path, const struct part10 *like,
    size_t size, size_t change)
{
	uint8_t *data;
	size_t n;

	n = build(like, size, change, &data);
	test_write(spool->root_fd, path, data, n);
	free(data);
}

static void
spool_with_a(struct spool *spool)
{
	struct err err;

	test_spool_create(spool);
	CU_ASSERT_EQUAL(spool_make_destination(spool, "A", &err), 0);
}

static void
refuses_what_is_cut_off(void)
{
	struct item_reader reader;
	struct spool spool;
	struct part10 p;
	struct err err;
	uint8_t *data;
	size_t n, i, header, wrong = 0;

	spool_with_a(&spool);
	test_part10(&p);
	n = build(&p, 64, SIZE, &data);
	header = n - 64;
	for (i = 0; i < n; i++) {
		test_write(spool.root_fd, PATH("cut"), data, i);
		err = (struct err){.class = ERR_NONE};
		wrong += item_reader_open(&spool, PATH("cut"), &reader, &err) !=
			     -1 ||
			 err.class != ERR_CORRUPT || reader.fd != -1 ||
			 strstr(err.text, PATH("cut")) == NULL;
		wrong += i == header && strstr(err.text, "no data set") == NULL;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	test_write(spool.root_fd, PATH("cut"), data, n);
	CU_ASSERT_EQUAL(
	    item_reader_open(&spool, PATH("cut"), &reader, &err), 0);
	item_reader_close(&reader);
	free(data);
	spool_close(&spool);
}

static void
refuses_what_is_no_instance(void)
{
	static const char *const paths[] = {PATH("longer"), PATH("text"),
	    PATH("folder"), PATH("link"), PATH("fifo"), PATH("empty")};
	struct item_reader reader;
	struct spool spool;
	struct part10 p;
	struct err err;
	uint8_t *data;
	size_t n, i;

	spool_with_a(&spool);
	test_part10(&p);
	n = build(&p, 64, SIZE, &data);
	data[n] = 'x';
	test_write(spool.root_fd, PATH("longer"), data, n + 1);
	test_write(spool.root_fd, PATH("whole"), data, n);
	free(data);
	test_write_text(spool.root_fd, PATH("text"), "no DICOM");
	test_write_text(spool.root_fd, PATH("empty"), "");
	CU_ASSERT_EQUAL(fs_mkdir(spool.root_fd, PATH("folder"), &err), 0);
	CU_ASSERT_EQUAL(symlinkat("whole.dcm", spool.root_fd, PATH("link")), 0);
	CU_ASSERT_EQUAL(mkfifoat(spool.root_fd, PATH("fifo"), 0600), 0);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		err.class = ERR_NONE;
		TEST_ROW(
		    item_reader_open(&spool, paths[i], &reader, &err) == -1,
		    paths[i]);
		TEST_ROW(err.class == ERR_CORRUPT, paths[i]);
		TEST_ROW(reader.fd == -1, paths[i]);
	}
	CU_ASSERT_EQUAL(
	    item_reader_open(&spool, PATH("none"), &reader, &err), -1);
	CU_ASSERT_EQUAL(err.sys, ENOENT);
	spool_close(&spool);
}

static void
leaves_alone_what_is_written(void)
{
	struct item_reader reader;
	struct spool spool;
	struct part10 p;
	struct err err;
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	int writer, lease;

	spool_with_a(&spool);
	test_part10(&p);
	put_item(&spool, PATH("busy"), &p, 64, SIZE);
	writer = fs_open(spool.root_fd, PATH("busy"), O_WRONLY, &err);
	/* Its age says nothing where a lease can be had. */
	CU_ASSERT_EQUAL(futimens(writer, old), 0);
	lease = fs_open(spool.root_fd, PATH("busy"), O_RDONLY, &err);
	if (fs_unwritten(lease) == -1) {
		test_skip("no leases here");
	} else {
		CU_ASSERT_EQUAL(
		    item_reader_open(&spool, PATH("busy"), &reader, &err), -1);
		CU_ASSERT_EQUAL(err.sys, EBUSY);
		CU_ASSERT_EQUAL(err.class, ERR_TEMPORARY);
		CU_ASSERT_EQUAL(reader.fd, -1);
	}
	(void)close(lease);
	(void)close(writer);
	CU_ASSERT_EQUAL(
	    item_reader_open(&spool, PATH("busy"), &reader, &err), 0);
	item_reader_close(&reader);
	spool_close(&spool);
}

static void
takes_foreign_files(void)
{
	static uint8_t data[1 << 20];
	char association[PATH_ASSOCIATION_SIZE];
	struct item_reader reader;
	struct spool spool;
	struct err err;
	ssize_t got;
	int fd;

	fd = open(TEST_REAL "CT_small.dcm", O_RDONLY);
	if (fd == -1) {
		test_skip("no python3-pydicom");
		return;
	}
	got = read(fd, data, sizeof(data));
	(void)close(fd);
	CU_ASSERT_TRUE_FATAL(got > 0);
	spool_with_a(&spool);
	test_write(spool.root_fd, PATH("foreign"), data, (size_t)got);
	CU_ASSERT_EQUAL_FATAL(
	    item_reader_open(&spool, PATH("foreign"), &reader, &err), 0);
	CU_ASSERT_FALSE(reader.part10.has_envelope);
	CU_ASSERT_EQUAL(reader.data_set_bytes + reader.part10.data_set_offset,
	    (uint64_t)got);
	item_reader_close(&reader);
	CU_ASSERT_EQUAL(
	    item_peek_association(&spool, PATH("foreign"), association), 0);
	spool_close(&spool);
}

static void
peeks(void)
{
	char association[PATH_ASSOCIATION_SIZE] = "", peer[ENVELOPE_PEER_SIZE];
	struct spool spool;
	struct part10 p;

	spool_with_a(&spool);
	test_part10(&p);
	put_item(&spool, PATH("a"), &p, 64, SIZE);
	CU_ASSERT_EQUAL(
	    item_peek_association(&spool, PATH("a"), association), 1);
	CU_ASSERT_STRING_EQUAL(association, TEST_ASSOCIATION);
	CU_ASSERT_EQUAL(item_peek_peer(&spool, PATH("a"), peer), 1);
	CU_ASSERT_STRING_EQUAL(peer, p.envelope.peer_address);
	CU_ASSERT_EQUAL(item_peek_peer(&spool, PATH("none"), peer), 0);
	CU_ASSERT_EQUAL(
	    item_peek_association(&spool, PATH("none"), association), 0);
	test_write_text(
	    spool.root_fd, PATH("a"), ENVELOPE_MAGIC "\nAssociation: ../x\n");
	CU_ASSERT_EQUAL(
	    item_peek_association(&spool, PATH("a"), association), 0);
	test_write_text(
	    spool.root_fd, PATH("a"), ENVELOPE_MAGIC "\nAssociation: 123");
	CU_ASSERT_EQUAL(
	    item_peek_association(&spool, PATH("a"), association), 0);
	spool_close(&spool);
}

static void
compares(void)
{
	struct part10 p, uid, class, syntax, other_route;
	const struct {
		const char *what;
		const struct part10 *like;
		size_t size, change;
		int equal;
	} rows[] = {
	    {"the same", &p, SIZE, SIZE, 1},
	    {"by another route", &other_route, SIZE, SIZE, 1},
	    {"first byte", &p, SIZE, 0, 0},
	    {"last byte", &p, SIZE, SIZE - 1, 0},
	    {"shorter", &p, SIZE - 1, SIZE, 0},
	    {"another UID", &uid, SIZE, SIZE, 0},
	    {"another class", &class, SIZE, SIZE, 0},
	    {"another syntax", &syntax, SIZE, SIZE, 0},
	};
	struct item_reader a, b;
	struct spool spool;
	struct err err;
	size_t i;

	spool_with_a(&spool);
	test_part10(&p);
	uid = class = syntax = other_route = p;
	(void)strcpy(uid.sop_instance, TEST_UID "1");
	(void)strcpy(class.sop_class, TEST_CLASS ".1");
	(void)strcpy(syntax.transfer_syntax, "1.2.840.10008.1.2");
	(void)strcpy(other_route.envelope.calling_aet, "SOMEBODY");
	other_route.envelope.message_id = 99;
	put_item(&spool, PATH("a"), &p, SIZE, SIZE);
	CU_ASSERT_EQUAL_FATAL(item_reader_open(&spool, PATH("a"), &a, &err), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_item(&spool, PATH("b"), rows[i].like, rows[i].size,
		    rows[i].change);
		CU_ASSERT_EQUAL_FATAL(
		    item_reader_open(&spool, PATH("b"), &b, &err), 0);
		TEST_ROW(item_reader_equal(&a, &b, &err) == rows[i].equal,
		    rows[i].what);
		/* Where the digests cannot tell, the bytes do. */
		b.part10.has_envelope = false;
		TEST_ROW(item_reader_equal(&a, &b, &err) == rows[i].equal,
		    rows[i].what);
		item_reader_close(&b);
	}
	item_reader_close(&a);
	spool_close(&spool);
}

static void
digests(void)
{
	char whole[ENVELOPE_DIGEST_SIZE], pieces[ENVELOPE_DIGEST_SIZE];
	static uint8_t data[SIZE];
	struct item_digest *digest;
	XXH128_hash_t hash;
	char expected[64];
	struct err err;
	size_t i;

	digest = item_digest_create(&err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(digest);
	item_digest_final(digest, whole);
	CU_ASSERT_STRING_EQUAL(whole, EMPTY);
	for (i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 31);
	hash = XXH3_128bits(data, SIZE);
	(void)snprintf(expected, sizeof(expected), "%016llx%016llx",
	    (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	item_digest_update(digest, data, SIZE);
	item_digest_final(digest, whole);
	CU_ASSERT_STRING_EQUAL(whole, expected);
	item_digest_reset(digest);
	for (i = 0; i < SIZE; i += 997)
		item_digest_update(
		    digest, data + i, SIZE - i < 997 ? SIZE - i : 997);
	item_digest_final(digest, pieces);
	CU_ASSERT_STRING_EQUAL(pieces, expected);
	item_digest_free(digest);
	item_digest_free(NULL);
}

static const struct test_case cases[] = {
    {"refuses what is cut off, at every byte", refuses_what_is_cut_off},
    {"refuses what is no instance", refuses_what_is_no_instance},
    {"leaves alone what is being written", leaves_alone_what_is_written},
    {"takes foreign files", takes_foreign_files},
    {"peeks for the association", peeks},
    {"compares instances", compares},
    {"digests", digests},
    {0},
};

TEST_SUITE(item_reader, cases)
