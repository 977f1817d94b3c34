/*
 * A chunk lies at a multiple of its size, as index_memory.h promises, so that
 * a place tells its chunk. One that gets empty goes, unless it is the last of
 * its kind with room. What is in no use is poisoned where the address sanitizer
 * is.
 *
 * Errors: NULL where there is no memory.
 */
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "index_memory.h"
#include "index_pool.h"

#define CHUNK_BYTES INDEX_MEMORY_LARGE_BYTES

struct place {
	struct place *next;
};

struct index_pool_chunk {
	LIST_ENTRY(index_pool_chunk) next; /* in roomy */
	struct place *given;		   /* back */
	uint32_t kind, places_n, used_n;
	uint32_t fresh_at; /* from here on nobody had any */
	_Alignas(uint64_t) char places[];
};

static struct index_pool_chunk *add_chunk(struct index_pool *pool, size_t kind);
static void remove_chunk(
    struct index_pool *pool, struct index_pool_chunk *chunk);
static size_t place_bytes(const struct index_pool_chunk *chunk);

void
index_pool_init(struct index_pool *pool)
{
	*pool = (struct index_pool){.chunks_n = 0};
}

void *
index_pool_take(struct index_pool *pool, size_t bytes)
{
	size_t kind =
	    (bytes + INDEX_POOL_STEP_BYTES - 1) / INDEX_POOL_STEP_BYTES;
	struct index_pool_chunk *chunk = LIST_FIRST(&pool->roomy[kind]);
	struct place *place;

	if (chunk == NULL)
		chunk = add_chunk(pool, kind);
	if (chunk == NULL)
		return NULL;
	place = chunk->given;
	if (place == NULL)
		place = (void *)(chunk->places +
				 place_bytes(chunk) * chunk->fresh_at++);
	ASAN_UNPOISON_MEMORY_REGION(place, bytes);
	if (chunk->given != NULL)
		chunk->given = place->next;
	chunk->used_n++;
	if (chunk->used_n == chunk->places_n)
		LIST_REMOVE(chunk, next);
	return memset(place, 0, bytes);
}

void
index_pool_give(struct index_pool *pool, void *given)
{
	struct place *place = given;
	struct index_pool_chunk *chunk =
	    (void *)((uintptr_t)given & ~(uintptr_t)(CHUNK_BYTES - 1));
	struct index_pool_chunks *roomy = &pool->roomy[chunk->kind];

	if (chunk->used_n == chunk->places_n)
		LIST_INSERT_HEAD(roomy, chunk, next);
	place->next = chunk->given;
	chunk->given = place;
	chunk->used_n--;
	ASAN_POISON_MEMORY_REGION(place, place_bytes(chunk));
	if (chunk->used_n == 0 &&
	    (LIST_FIRST(roomy) != chunk || LIST_NEXT(chunk, next) != NULL))
		remove_chunk(pool, chunk);
}

void
index_pool_clear(struct index_pool *pool)
{
	struct index_pool_chunk *chunk;
	size_t kind;

	for (kind = 0; kind < INDEX_POOL_KINDS; kind++)
		while ((chunk = LIST_FIRST(&pool->roomy[kind])) != NULL)
			remove_chunk(pool, chunk);
}

static struct index_pool_chunk *
add_chunk(struct index_pool *pool, size_t kind)
{
	struct index_pool_chunk *chunk = index_memory_get(CHUNK_BYTES);

	if (chunk == NULL)
		return NULL;
	chunk->kind = (uint32_t)kind;
	chunk->places_n =
	    (uint32_t)((CHUNK_BYTES - sizeof(*chunk)) / place_bytes(chunk));
	ASAN_POISON_MEMORY_REGION(chunk->places, CHUNK_BYTES - sizeof(*chunk));
	LIST_INSERT_HEAD(&pool->roomy[kind], chunk, next);
	pool->chunks_n++;
	return chunk;
}

static void
remove_chunk(struct index_pool *pool, struct index_pool_chunk *chunk)
{
	LIST_REMOVE(chunk, next);
	pool->chunks_n--;
	ASAN_UNPOISON_MEMORY_REGION(chunk, CHUNK_BYTES);
	index_memory_free(chunk, CHUNK_BYTES);
}

static size_t
place_bytes(const struct index_pool_chunk *chunk)
{
	return (size_t)chunk->kind * INDEX_POOL_STEP_BYTES;
}
