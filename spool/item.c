/*
 * Items as files, the reading side, and the digest both sides use.
 *
 * Errors: ERR_CORRUPT for what is not a whole instance; EBUSY in err->sys for
 * a file that somebody still writes; else as fs.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "clock.h"
#include "fs.h"
#include "item.h"
#include "text.h"

#define HEAD_SIZE    4096
#define COMPARE_SIZE (64 * 1024)
#define QUIET_US     2000000 /* no lease to be had: this long unchanged */

struct item_digest {
	XXH3_state_t *state;
};

static int read_header(struct item_reader *reader, const char *path,
    uint64_t file_bytes, struct err *err);
static int check_length(struct item_reader *reader, const char *path,
    uint64_t file_bytes, struct err *err);
static bool peek(const struct spool *spool, const char *path, const char *start,
    char *out, size_t out_size);
static int check_unwritten(
    int unwritten, const char *path, const struct stat *st, struct err *err);

int
item_reader_open(const struct spool *spool, const char *path,
    struct item_reader *reader, struct err *err)
{
	struct stat st;
	int unwritten;

	*reader = (struct item_reader){.fd = -1};
	reader->fd = fs_open(
	    spool->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, err);
	if (reader->fd == -1) {
		if (err->sys == ELOOP)
			err->class = ERR_CORRUPT;
		return -1;
	}
	unwritten = fs_unwritten(reader->fd);
	/* After the lease: its size is the last. */
	if (fstat(reader->fd, &st) == -1) {
		(void)err_sys(err, "stat %s", path);
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(
		    err, ERR_CORRUPT, "%s is not a regular file", path);
		goto fail;
	}
	if (check_unwritten(unwritten, path, &st, err) == -1 ||
	    read_header(reader, path, (uint64_t)st.st_size, err) == -1 ||
	    check_length(reader, path, (uint64_t)st.st_size, err) == -1)
		goto fail;
	return 0;
fail:
	item_reader_close(reader);
	return -1;
}

void
item_reader_close(struct item_reader *reader)
{
	(void)fs_close(&reader->fd, "", NULL);
}

int
item_peek_association(const struct spool *spool, const char *path,
    char association[PATH_ASSOCIATION_SIZE])
{
	return peek(spool, path, "\nAssociation: ", association,
		   PATH_ASSOCIATION_SIZE) &&
	       path_association_valid(association);
}

int
item_peek_peer(
    const struct spool *spool, const char *path, char peer[ENVELOPE_PEER_SIZE])
{
	return peek(spool, path, "\nPeerAddress: ", peer, ENVELOPE_PEER_SIZE);
}

int
item_reader_equal(
    const struct item_reader *a, const struct item_reader *b, struct err *err)
{
	uint8_t block_a[COMPARE_SIZE], block_b[COMPARE_SIZE];
	ssize_t got_a, got_b;
	off_t at = 0;

	if (strcmp(a->part10.sop_class, b->part10.sop_class) != 0 ||
	    strcmp(a->part10.sop_instance, b->part10.sop_instance) != 0 ||
	    strcmp(a->part10.transfer_syntax, b->part10.transfer_syntax) != 0 ||
	    a->data_set_bytes != b->data_set_bytes)
		return 0;
	if (a->part10.has_envelope && b->part10.has_envelope &&
	    strcmp(a->part10.envelope.digest, b->part10.envelope.digest) != 0)
		return 0;
	do {
		got_a = fs_pread(a->fd, block_a, sizeof(block_a),
		    (off_t)a->part10.data_set_offset + at, "an item", err);
		got_b = fs_pread(b->fd, block_b, sizeof(block_b),
		    (off_t)b->part10.data_set_offset + at, "an item", err);
		if (got_a == -1 || got_b == -1)
			return -1;
		if (got_a != got_b ||
		    memcmp(block_a, block_b, (size_t)got_a) != 0)
			return 0;
		at += got_a;
	} while (got_a > 0);
	return 1;
}

struct item_digest *
item_digest_create(struct err *err)
{
	struct item_digest *digest;

	digest = malloc(sizeof(*digest));
	if (digest != NULL)
		digest->state = XXH3_createState();
	if (digest == NULL || digest->state == NULL) {
		free(digest);
		(void)err_sys(err, "get memory for a digest");
		return NULL;
	}
	item_digest_reset(digest);
	return digest;
}

void
item_digest_update(struct item_digest *digest, const void *data, size_t size)
{
	(void)XXH3_128bits_update(digest->state, data, size);
}

void
item_digest_final(struct item_digest *digest, char out[ENVELOPE_DIGEST_SIZE])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(
	    &canonical, XXH3_128bits_digest(digest->state));
	text_hex(canonical.digest, sizeof(canonical.digest), out);
}

void
item_digest_reset(struct item_digest *digest)
{
	(void)XXH3_128bits_reset(digest->state);
}

void
item_digest_free(struct item_digest *digest)
{
	if (digest == NULL)
		return;
	(void)XXH3_freeState(digest->state);
	free(digest);
}

static int
check_unwritten(
    int unwritten, const char *path, const struct stat *st, struct err *err)
{
	int64_t quiet_us, changed_us;

	if (unwritten == -1) {
		changed_us = (int64_t)st->st_mtim.tv_sec * 1000000 +
			     st->st_mtim.tv_nsec / 1000;
		quiet_us = clock_real_us() - changed_us;
		unwritten = quiet_us < 0 || quiet_us >= QUIET_US;
	}
	if (unwritten)
		return 0;
	(void)err_set(err, ERR_TEMPORARY, "%s is still being written", path);
	err->sys = EBUSY;
	return -1;
}

static int
read_header(struct item_reader *reader, const char *path, uint64_t file_bytes,
    struct err *err)
{
	uint8_t head[HEAD_SIZE], *all = NULL;
	struct err local = {.class = ERR_NONE};
	ssize_t got;
	int rc;

	got = fs_pread(reader->fd, head, sizeof(head), 0, path, err);
	if (got == -1)
		return -1;
	rc = part10_unpack(head, (size_t)got, &reader->part10, &local);
	if (rc == -1 && file_bytes > sizeof(head)) {
		all = malloc(PART10_MAX_SIZE);
		if (all == NULL)
			return err_sys(err, "read %s", path);
		got = fs_pread(reader->fd, all, PART10_MAX_SIZE, 0, path, err);
		if (got == -1) {
			free(all);
			return -1;
		}
		rc = part10_unpack(all, (size_t)got, &reader->part10, &local);
		free(all);
	}
	if (rc == -1)
		return err_set(err, local.class, "%s: %s", path, local.text);
	return 0;
}

static int
check_length(struct item_reader *reader, const char *path, uint64_t file_bytes,
    struct err *err)
{
	const struct part10 *part10 = &reader->part10;

	if (file_bytes <= part10->data_set_offset)
		return err_set(err, ERR_CORRUPT, "%s: no data set", path);
	reader->data_set_bytes = file_bytes - part10->data_set_offset;
	if (part10->has_envelope &&
	    part10->envelope.data_set_bytes != reader->data_set_bytes)
		return err_set(err, ERR_CORRUPT,
		    "%s: %llu bytes of data set, %llu by its envelope", path,
		    (unsigned long long)reader->data_set_bytes,
		    (unsigned long long)part10->envelope.data_set_bytes);
	return 0;
}

/* The line of the envelope that begins with start. */
static bool
peek(const struct spool *spool, const char *path, const char *start, char *out,
    size_t out_size)
{
	const char *at, *end;
	char head[PART10_SIZE];
	ssize_t got;
	int fd;

	fd = fs_open(
	    spool->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, NULL);
	if (fd == -1)
		return false;
	got = fs_pread(fd, head, sizeof(head), 0, path, NULL);
	(void)fs_close(&fd, path, NULL);
	if (got <= 0)
		return false;
	end = head + got;
	at = memmem(head, (size_t)got, ENVELOPE_MAGIC "\n",
	    sizeof(ENVELOPE_MAGIC "\n") - 1);
	if (at != NULL)
		at = memmem(at, (size_t)(end - at), start, strlen(start));
	if (at == NULL)
		return false;
	at += strlen(start);
	end = memchr(at, '\n', (size_t)(end - at));
	if (end == NULL || (size_t)(end - at) >= out_size)
		return false;
	(void)memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
	return true;
}
