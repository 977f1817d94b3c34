/*
 * One item as a file: written by the receiver (create, write, complete,
 * publish, sync), and read by a lane.
 */
#ifndef DCMSPOOL_ITEM_H
#define DCMSPOOL_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "part10.h"
#include "spool.h"
#include "stamp.h"

/* An item on its way in: tmp/ until it is published. */
struct item_writer;

/* A file in tmp/ that was made ahead of its item, while there was time. */
struct item_slot {
	int fd;	     /* -1: none */
	int sync_fd; /* read-only */
	char path[PATH_SIZE];
};

/* Creates tmp/<association>.<random>, empty. 0, or -1 and *err. */
int item_slot_open(const struct spool *spool, const char *association,
    struct item_slot *slot, struct err *err);
/* Whether there is one, and nobody took it away. */
bool item_slot_is_there(
    const struct spool *spool, const struct item_slot *slot);
/* Takes it away again; one that is not open is ok. */
void item_slot_close(const struct spool *spool, struct item_slot *slot);

/*
 * An item in a slot, which is consumed. part10 gives UIDs, transfer syntax and
 * envelope; it is copied. NULL and *err.
 */
struct item_writer *item_writer_create(const struct spool *spool,
    const struct part10 *part10, struct item_slot *slot, struct err *err);

/* Appends to the data set and to the digest. */
int item_writer_write(
    struct item_writer *writer, const void *data, size_t size, struct err *err);

uint64_t item_writer_bytes(const struct item_writer *writer);

/*
 * Completes the envelope with length and digest, and closes the file for
 * writing: from here on nobody has it open for writing.
 */
int item_writer_complete(struct item_writer *writer, struct err *err);

/*
 * The instant at which the item is queued: takes a stamp and links it into
 * new/ of each of the n destinations, the last by rename. *name is its name.
 * On -1 it may be in some of the queues; its name in tmp/ is gone or goes
 * with item_writer_close.
 */
int item_writer_publish(struct item_writer *writer, struct stamp_source *stamps,
    const char *const *dests, size_t n, struct item_name *name,
    struct err *err);

/*
 * Puts it on stable storage: the file and, once published, new/ of every
 * destination. Twice is cheap.
 */
int item_writer_sync(struct item_writer *writer, struct err *err);

/* Removes what is still in tmp/; frees; *writer becomes NULL. */
void item_writer_close(struct item_writer **writer);

/* An item on its way out. */
struct item_reader {
	int fd; /* read-only */
	struct part10 part10;
	uint64_t data_set_bytes; /* by the size of the file */
};

/*
 * Opens an item or a foreign file and reads its header. -1: ERR_CORRUPT, with
 * the reason, where it is not a whole instance as far as can be seen without
 * reading it (the length does not fit the envelope's, no data set); err->sys
 * is ENOENT where it is gone, EBUSY where somebody still writes it.
 */
int item_reader_open(const struct spool *spool, const char *path,
    struct item_reader *reader, struct err *err);
void item_reader_close(struct item_reader *reader);

/*
 * The association that an item came by, without parsing it: looks for the
 * envelope's line at the start of the file. 1, or 0 where there is none.
 */
int item_peek_association(const struct spool *spool, const char *path,
    char association[PATH_ASSOCIATION_SIZE]);
/* The same of the address of the modality that it came from. */
int item_peek_peer(
    const struct spool *spool, const char *path, char peer[ENVELOPE_PEER_SIZE]);

/*
 * Whether two items are the same instance: SOP class and instance, transfer
 * syntax, and the data set byte for byte. 1, 0, -1.
 */
int item_reader_equal(
    const struct item_reader *a, const struct item_reader *b, struct err *err);

/* A running XXH3-128. */
struct item_digest;
struct item_digest *item_digest_create(struct err *err);
void item_digest_update(
    struct item_digest *digest, const void *data, size_t size);
void item_digest_final(
    struct item_digest *digest, char out[ENVELOPE_DIGEST_SIZE]);
void item_digest_reset(struct item_digest *digest);
void item_digest_free(struct item_digest *digest);

#endif
