/*
 * Small blocks by malloc(3), large ones by mmap(2).
 *
 * Errors: NULL where there is no memory.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "index_memory.h"

static size_t round_up(size_t bytes);

void *
index_memory_get(size_t bytes)
{
	size_t size, before;
	char *mapped, *memory;

	if (bytes < INDEX_MEMORY_LARGE_BYTES)
		return calloc(1, bytes);
	size = round_up(bytes);
	mapped = mmap(NULL, size + INDEX_MEMORY_LARGE_BYTES,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	/* The last that fits: the kernel maps downwards, and what is left then
	 * lies where the next may be, so that all are one mapping. */
	before = INDEX_MEMORY_LARGE_BYTES -
		 (uintptr_t)mapped % INDEX_MEMORY_LARGE_BYTES;
	memory = mapped + before;
	(void)munmap(mapped, before);
	if (before < INDEX_MEMORY_LARGE_BYTES)
		(void)munmap(memory + size, INDEX_MEMORY_LARGE_BYTES - before);
	(void)madvise(memory, size, MADV_DONTFORK);
	return memory;
}

void
index_memory_free(void *memory, size_t bytes)
{
	if (bytes < INDEX_MEMORY_LARGE_BYTES)
		free(memory);
	else if (memory != NULL)
		(void)munmap(memory, round_up(bytes));
}

static size_t
round_up(size_t bytes)
{
	return (bytes + INDEX_MEMORY_LARGE_BYTES - 1) /
	       INDEX_MEMORY_LARGE_BYTES * INDEX_MEMORY_LARGE_BYTES;
}
