/*
 * Sealing: file meta information with an envelope that fits, and the data set
 * as it was edited.
 *
 * Errors: as item.c and fs.c; nothing is left in tmp/ then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_seal.h"
#include "cmd_work.h"
#include "fs.h"

#define BLOCK_BYTES (256 * 1024)

static int write_sealed(const struct item_reader *reader,
    const struct envelope *envelope, int fd, const char *path, struct err *err);
static int take_digest(const struct item_reader *reader,
    struct envelope *envelope, struct err *err);

int
cmd_seal(const struct cmd *cmd, const char *edited,
    const struct envelope *envelope, char sealed[PATH_SIZE],
    char uid[NAME_UID_SIZE], struct err *err)
{
	struct item_reader reader;
	int fd = -1, rc = -1;

	if (item_reader_open(&cmd->spool, edited, &reader, err) == -1)
		return -1;
	(void)memcpy(uid, reader.part10.sop_instance, NAME_UID_SIZE);
	fd = cmd_tmp_create(cmd, sealed, err);
	if (fd == -1)
		goto out;
	rc = write_sealed(&reader, envelope, fd, sealed, err);
	if (rc == 0)
		rc = fs_sync_fd(fd, sealed, err);
	if (fs_close(&fd, sealed, rc == 0 ? err : NULL) == -1)
		rc = -1;
	if (rc == -1)
		(void)fs_unlink(cmd->spool.root_fd, sealed, NULL);
out:
	item_reader_close(&reader);
	return rc;
}

static int
write_sealed(const struct item_reader *reader, const struct envelope *envelope,
    int fd, const char *path, struct err *err)
{
	struct part10 part10 = reader->part10;
	uint8_t header[PART10_SIZE];
	size_t size;

	if (envelope == NULL)
		return cmd_copy_bytes(reader->fd, 0, fd, path, NULL, err);
	part10.envelope = *envelope;
	if (take_digest(reader, &part10.envelope, err) == -1 ||
	    part10_pack(&part10, header, &size, err) == -1 ||
	    fs_write(fd, header, size, path, err) == -1)
		return -1;
	return cmd_copy_bytes(reader->fd, (off_t)reader->part10.data_set_offset,
	    fd, path, NULL, err);
}

static int
take_digest(const struct item_reader *reader, struct envelope *envelope,
    struct err *err)
{
	off_t at = (off_t)reader->part10.data_set_offset;
	struct item_digest *digest;
	ssize_t got = -1;
	char *block;

	block = malloc(BLOCK_BYTES);
	digest = item_digest_create(err);
	if (block == NULL)
		(void)err_sys(err, "seal an item");
	if (block == NULL || digest == NULL)
		goto out;
	while ((got = fs_pread(
		    reader->fd, block, BLOCK_BYTES, at, "an item", err)) > 0) {
		item_digest_update(digest, block, (size_t)got);
		at += got;
	}
	envelope->data_set_bytes = reader->data_set_bytes;
	item_digest_final(digest, envelope->digest);
out:
	item_digest_free(digest);
	free(block);
	return got == 0 ? 0 : -1;
}
