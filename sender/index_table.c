/*
 * Linear probing; a removal moves back what was pushed away.
 *
 * Errors: -1 where there is no memory.
 */
#include <string.h>

#include <xxhash.h>

#include "index.h"
#include "index_memory.h"

#define FIRST_SIZE 64

static uint32_t hash_of(const struct index_table *table, const char *uid);
static int grow(struct index_table *table);
static void free_arrays(struct index_table *table);
static size_t root_bytes(const struct index_table *table);
static size_t hash_bytes(const struct index_table *table);
static void put(
    struct index_table *table, struct index_item *item, uint32_t hash);

void
index_table_clear(struct index_table *table)
{
	free_arrays(table);
	*table = (struct index_table){.size = 0};
}

size_t
index_table_find(const struct index_table *table, const char *uid)
{
	uint32_t hash;
	size_t at;

	if (table->size == 0)
		return INDEX_TABLE_NONE;
	hash = hash_of(table, uid);
	for (at = hash & (table->size - 1); table->root[at] != NULL;
	     at = (at + 1) & (table->size - 1))
		if (table->hash[at] == hash &&
		    strcmp(table->root[at]->uid, uid) == 0)
			return at;
	return INDEX_TABLE_NONE;
}

int
index_table_add(struct index_table *table, struct index_item *item)
{
	if ((table->used + 1) * 4 > table->size * 3 && grow(table) == -1)
		return -1;
	put(table, item, hash_of(table, item->uid));
	table->used++;
	return 0;
}

void
index_table_remove(struct index_table *table, size_t at)
{
	size_t mask = table->size - 1, from = at, home;

	table->used--;
	for (;;) {
		from = (from + 1) & mask;
		if (table->root[from] == NULL)
			break;
		home = table->hash[from] & mask;
		/* It may not go before the place that it hashes to. */
		if (((from - home) & mask) < ((from - at) & mask))
			continue;
		table->root[at] = table->root[from];
		table->hash[at] = table->hash[from];
		at = from;
	}
	table->root[at] = NULL;
}

/* The table's address is not known outside: nobody can choose UIDs that
 * meet in one place. */
static uint32_t
hash_of(const struct index_table *table, const char *uid)
{
	return (uint32_t)XXH3_64bits_withSeed(
	    uid, strlen(uid), (uintptr_t)table);
}

static int
grow(struct index_table *table)
{
	struct index_table old = *table;
	size_t size = old.size == 0 ? FIRST_SIZE : 2 * old.size, at;

	table->size = size;
	table->root = index_memory_get(root_bytes(table));
	table->hash = index_memory_get(hash_bytes(table));
	if (table->root == NULL || table->hash == NULL) {
		free_arrays(table);
		*table = old;
		return -1;
	}
	for (at = 0; at < old.size; at++)
		if (old.root[at] != NULL)
			put(table, old.root[at], old.hash[at]);
	index_table_clear(&old);
	return 0;
}

static void
free_arrays(struct index_table *table)
{
	index_memory_free(table->root, root_bytes(table));
	index_memory_free(table->hash, hash_bytes(table));
}

static size_t
root_bytes(const struct index_table *table)
{
	return table->size * sizeof(struct index_item *);
}

static size_t
hash_bytes(const struct index_table *table)
{
	return table->size * sizeof(*table->hash);
}

static void
put(struct index_table *table, struct index_item *item, uint32_t hash)
{
	size_t at = hash & (table->size - 1);

	while (table->root[at] != NULL)
		at = (at + 1) & (table->size - 1);
	table->root[at] = item;
	table->hash[at] = hash;
}
