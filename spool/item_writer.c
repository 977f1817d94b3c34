/*
 * Items as files, the writing side: tmp/ -> new/ of each destination.
 *
 * Errors: as fs.c. Whatever fails, the writer still has to be closed, and that
 * takes its file out of tmp/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "item.h"

#define PUBLISH_TRIES 16 /* stamps tried where a name is taken already */
#define BUFFER_BYTES  (64 * 1024)

struct item_writer {
	const struct spool *spool;
	struct part10 part10;
	struct item_digest *digest;
	char tmp_path[PATH_SIZE]; /* "" once it is gone from there */
	int fd;			  /* while it is written */
	int sync_fd;		  /* read-only, for fsync */
	uint64_t data_set_bytes;
	uint8_t *buffer; /* BUFFER_BYTES: what goes out with the next write;
			    a small item goes out in one */
	size_t buffered;
	bool header_written; /* it is not in the buffer any more */
	char **dests;	     /* published in new/ of these */
	size_t dests_n;
	bool synced;
};

static int flush(
    struct item_writer *w, const void *data, size_t size, struct err *err);
static int complete_header(struct item_writer *w, struct err *err);
static int remember_dests(
    struct item_writer *w, const char *const *dests, size_t n, struct err *err);
static int publish_first(struct item_writer *w, struct stamp_source *stamps,
    struct item_name *name, struct err *err);
static int put_into(struct item_writer *w, const char *dest, const char *file,
    bool is_last, struct err *err);

int
item_slot_open(const struct spool *spool, const char *association,
    struct item_slot *slot, struct err *err)
{
	slot->fd = slot->sync_fd = -1;
	if (path_tmp(slot->path, association, err) == -1)
		return -1;
	slot->fd = fs_create(spool->root_fd, slot->path, err);
	if (slot->fd == -1)
		return -1;
	slot->sync_fd =
	    fs_open(spool->root_fd, slot->path, O_RDONLY | O_NOFOLLOW, err);
	if (slot->sync_fd != -1)
		return 0;
	item_slot_close(spool, slot);
	return -1;
}

bool
item_slot_is_there(const struct spool *spool, const struct item_slot *slot)
{
	struct stat st;

	return slot->fd != -1 &&
	       fs_stat(spool->root_fd, slot->path, &st, NULL) == 1;
}

void
item_slot_close(const struct spool *spool, struct item_slot *slot)
{
	if (slot->fd == -1)
		return;
	(void)fs_unlink(spool->root_fd, slot->path, NULL);
	(void)fs_close(&slot->fd, slot->path, NULL);
	(void)fs_close(&slot->sync_fd, slot->path, NULL);
}

struct item_writer *
item_writer_create(const struct spool *spool, const struct part10 *part10,
    struct item_slot *slot, struct err *err)
{
	struct item_writer *w;

	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		(void)err_sys(err, "get memory for an item");
		item_slot_close(spool, slot);
		return NULL;
	}
	w->spool = spool;
	w->part10 = *part10;
	w->fd = slot->fd;
	w->sync_fd = slot->sync_fd;
	(void)memcpy(w->tmp_path, slot->path, sizeof(w->tmp_path));
	slot->fd = slot->sync_fd = -1;
	w->digest = item_digest_create(err);
	if (w->digest == NULL)
		goto fail;
	w->buffer = malloc(BUFFER_BYTES);
	if (w->buffer == NULL) {
		(void)err_sys(err, "get memory for an item");
		goto fail;
	}
	/* Without length and digest; the data set goes behind it. */
	if (part10_pack(&w->part10, w->buffer, &w->buffered, err) == -1)
		goto fail;
	return w;
fail:
	item_writer_close(&w);
	return NULL;
}

int
item_writer_write(
    struct item_writer *w, const void *data, size_t size, struct err *err)
{
	item_digest_update(w->digest, data, size);
	w->data_set_bytes += size;
	if (size > BUFFER_BYTES - w->buffered)
		return flush(w, data, size, err); /* large: not copied */
	(void)memcpy(w->buffer + w->buffered, data, size);
	w->buffered += size;
	return 0;
}

uint64_t
item_writer_bytes(const struct item_writer *w)
{
	return w->data_set_bytes;
}

int
item_writer_complete(struct item_writer *w, struct err *err)
{
	w->part10.envelope.data_set_bytes = w->data_set_bytes;
	item_digest_final(w->digest, w->part10.envelope.digest);
	if (complete_header(w, err) == -1 || flush(w, NULL, 0, err) == -1)
		return -1;
	return fs_close(&w->fd, w->tmp_path, err);
}

/* S1 -> S2, dcmspool-spool(5) */
int
item_writer_publish(struct item_writer *w, struct stamp_source *stamps,
    const char *const *dests, size_t n, struct item_name *name, struct err *err)
{
	char file[NAME_ITEM_SIZE];
	size_t i;
	int rc;

	w->synced = false;
	if (remember_dests(w, dests, n, err) == -1)
		return -1;
	name->message_id = w->part10.envelope.message_id;
	(void)memcpy(name->uid, w->part10.sop_instance, sizeof(name->uid));
	stamp_lock_uid(stamps, name->uid);
	rc = publish_first(w, stamps, name, err);
	name_format(name, file);
	for (i = 1; i < n && rc == 0; i++)
		rc = put_into(w, dests[i], file, i == n - 1, err);
	stamp_unlock_uid(stamps, name->uid);
	if (rc == 0)
		w->tmp_path[0] = '\0';
	return rc;
}

int
item_writer_sync(struct item_writer *w, struct err *err)
{
	char path[PATH_SIZE];
	size_t i;

	if (w->synced)
		return 0;
	if (fs_sync_fd(w->sync_fd, "an item", err) == -1)
		return -1;
	for (i = 0; i < w->dests_n; i++) {
		path_state(path, w->dests[i], QUEUE_NEW);
		if (fs_sync_dir(w->spool->root_fd, path, err) == -1)
			return -1;
	}
	w->synced = true;
	return 0;
}

/* S1 -> S0 where it has not been published */
void
item_writer_close(struct item_writer **writer)
{
	struct item_writer *w = *writer;
	size_t i;

	if (w == NULL)
		return;
	if (w->tmp_path[0] != '\0')
		(void)fs_unlink(w->spool->root_fd, w->tmp_path, NULL);
	(void)fs_close(&w->fd, w->tmp_path, NULL);
	(void)fs_close(&w->sync_fd, w->tmp_path, NULL);
	item_digest_free(w->digest);
	free(w->buffer);
	for (i = 0; i < w->dests_n; i++)
		free(w->dests[i]);
	free(w->dests);
	free(w);
	*writer = NULL;
}

/* What is in the buffer, and what comes behind it. */
static int
flush(struct item_writer *w, const void *data, size_t size, struct err *err)
{
	size_t buffered = w->buffered;

	w->buffered = 0;
	w->header_written = true;
	if (fs_write(w->fd, w->buffer, buffered, w->tmp_path, err) == -1)
		return -1;
	return fs_write(w->fd, data, size, w->tmp_path, err);
}

/* The same once more, with length and digest: it keeps its size. */
static int
complete_header(struct item_writer *w, struct err *err)
{
	uint8_t header[PART10_SIZE];
	size_t size;

	if (part10_pack(&w->part10, header, &size, err) == -1)
		return -1;
	if (w->header_written)
		return fs_pwrite(w->fd, header, size, 0, w->tmp_path, err);
	(void)memcpy(w->buffer, header, size);
	return 0;
}

static int
remember_dests(
    struct item_writer *w, const char *const *dests, size_t n, struct err *err)
{
	w->dests = calloc(n, sizeof(*w->dests));
	if (w->dests == NULL)
		return err_sys(err, "get memory for an item");
	for (; w->dests_n < n; w->dests_n++) {
		w->dests[w->dests_n] = strdup(dests[w->dests_n]);
		if (w->dests[w->dests_n] == NULL)
			return err_sys(err, "get memory for an item");
	}
	return 0;
}

/* The first destination settles the stamp: its name must be free there. */
static int
publish_first(struct item_writer *w, struct stamp_source *stamps,
    struct item_name *name, struct err *err)
{
	char file[NAME_ITEM_SIZE];
	int i;

	for (i = 0; i < PUBLISH_TRIES; i++) {
		name->stamp_us = stamp_next(stamps);
		name_format(name, file);
		if (put_into(w, w->dests[0], file, w->dests_n == 1, err) == 0)
			return 0;
		if (err->sys != EEXIST)
			return -1;
	}
	return -1;
}

/* A destination's folder that an operator took away is made again. */
static int
put_into(struct item_writer *w, const char *dest, const char *file,
    bool is_last, struct err *err)
{
	char path[PATH_SIZE];
	int rc, i;

	path_item(path, dest, QUEUE_NEW, file);
	for (i = 0; i < 2; i++) {
		if (is_last)
			rc = fs_rename(
			    w->spool->root_fd, w->tmp_path, path, err);
		else
			rc = fs_link(w->spool->root_fd, w->tmp_path, path, err);
		if (rc == 0 && is_last)
			return err_set(err, ERR_TEMPORARY,
			    "%s was taken away while it was received",
			    w->tmp_path);
		if (rc != -1)
			return 0;
		if (err->sys != ENOENT ||
		    spool_make_destination(w->spool, dest, err) == -1 ||
		    spool_sync_destination(w->spool, dest, err) == -1)
			return -1;
	}
	return -1;
}
