/*
 * Bytes from file to file, and the digest of a data set.
 *
 * Errors: as fs.c; ERR_CORRUPT for a data set that is not what its envelope
 * says.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cmd_work.h"
#include "fs.h"
#include "item.h"

#define BLOCK_BYTES (256 * 1024)

int
cmd_tmp_create(const struct cmd *cmd, char path[PATH_SIZE], struct err *err)
{
	char association[PATH_ASSOCIATION_SIZE];

	path_association_format(clock_real_us(), (int)getpid(), association);
	if (path_tmp(path, association, err) == -1)
		return -1;
	return fs_create(cmd->spool.root_fd, path, err);
}

int
cmd_copy_bytes(int from_fd, off_t offset, int to_fd, const char *path,
    struct cmd_progress *progress, struct err *err)
{
	int rc = -1;
	char *block;
	ssize_t got;

	block = malloc(BLOCK_BYTES);
	if (block == NULL)
		return err_sys(err, "copy %s", path);
	for (;;) {
		got = fs_pread(from_fd, block, BLOCK_BYTES, offset, path, err);
		if (got <= 0)
			break;
		if (fs_write(to_fd, block, (size_t)got, path, err) == -1)
			goto out;
		offset += got;
		if (progress != NULL)
			cmd_progress_add(progress, (uint64_t)got);
	}
	rc = got == -1 ? -1 : 0;
out:
	free(block);
	return rc;
}

int
cmd_digest_check(const struct item_reader *reader, const char *path,
    struct cmd_progress *progress, struct err *err)
{
	off_t at = (off_t)reader->part10.data_set_offset;
	const struct envelope *e = &reader->part10.envelope;
	char digest[ENVELOPE_DIGEST_SIZE];
	struct item_digest *running;
	char *block = NULL;
	ssize_t got = -1;

	running = item_digest_create(err);
	if (running == NULL)
		return -1;
	block = malloc(BLOCK_BYTES);
	if (block == NULL)
		(void)err_sys(err, "read %s", path);
	while (block != NULL && (got = fs_pread(reader->fd, block, BLOCK_BYTES,
				     at, path, err)) > 0) {
		item_digest_update(running, block, (size_t)got);
		at += got;
		if (progress != NULL)
			cmd_progress_add(progress, (uint64_t)got);
	}
	item_digest_final(running, digest);
	item_digest_free(running);
	free(block);
	if (got == 0 && reader->part10.has_envelope &&
	    strcmp(digest, e->digest) != 0)
		return err_set(err, ERR_CORRUPT,
		    "%s: its data set has changed: digest %s, %s by its "
		    "envelope",
		    path, digest, e->digest);
	return got == 0 ? 0 : -1;
}
