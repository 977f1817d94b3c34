/*
 * Memory of the index. What is large is the parent's alone: a lane is forked
 * without it, so that a backlog makes neither lanes large nor a fork slow, and
 * a lane that is taken over has no list of what is queued.
 */
#ifndef DCMSPOOL_INDEX_MEMORY_H
#define DCMSPOOL_INDEX_MEMORY_H

#include <stddef.h>

/* From here on it is large, and lies at a multiple of that. */
#define INDEX_MEMORY_LARGE_BYTES ((size_t)65536)

/* So many bytes, all 0; or NULL. Touched in a forked child, the large kills it
 * (SIGSEGV). */
void *index_memory_get(size_t bytes);
/* memory: of so many bytes, or NULL. */
void index_memory_free(void *memory, size_t bytes);

#endif
