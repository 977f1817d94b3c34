/*
 * Memory of the items: places in chunks, those of one size side by side. What
 * leaves in another order than it came touches its own chunk only, not
 * neighbours that are in no cache any more, as malloc(3) does to join them:
 * with a million queued that is a twentieth of the rate. As index_memory.h
 * says, no forked child has them.
 */
#ifndef DCMSPOOL_INDEX_POOL_H
#define DCMSPOOL_INDEX_POOL_H

#include <stddef.h>
#include <sys/queue.h>

#define INDEX_POOL_MOST_BYTES 160

#define INDEX_POOL_STEP_BYTES 8 /* places differ by */
#define INDEX_POOL_KINDS      (INDEX_POOL_MOST_BYTES / INDEX_POOL_STEP_BYTES + 1)

LIST_HEAD(index_pool_chunks, index_pool_chunk);

struct index_pool {
	struct index_pool_chunks roomy[INDEX_POOL_KINDS]; /* have room */
	size_t chunks_n;
};

void index_pool_init(struct index_pool *pool);
/* A place of so many bytes, at most INDEX_POOL_MOST_BYTES, all 0; or NULL. */
void *index_pool_take(struct index_pool *pool, size_t bytes);
void index_pool_give(struct index_pool *pool, void *place);
/* When all have been given back: what was kept goes, too. */
void index_pool_clear(struct index_pool *pool);

#endif
