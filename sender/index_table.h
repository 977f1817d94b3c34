/*
 * Chains by SOP Instance UID: a hash table with open addressing. Pure.
 */
#ifndef DCMSPOOL_INDEX_TABLE_H
#define DCMSPOOL_INDEX_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct index_item;

struct index_table {
	struct index_item **root; /* of a chain each, NULL where none is */
	uint32_t *hash;		  /* of its UID: saves looks at the items */
	size_t size, used;	  /* size is a power of two, or 0 */
};

#define INDEX_TABLE_NONE SIZE_MAX

void index_table_clear(struct index_table *table);
/* The place of this UID's chain, or INDEX_TABLE_NONE. */
size_t index_table_find(const struct index_table *table, const char *uid);
/* Makes a chain of one item of a UID that is not there. 0, -1: no memory. */
int index_table_add(struct index_table *table, struct index_item *item);
/* The chain there is empty. Others may move to this place, and from the
 * beginning of the table to its end. */
void index_table_remove(struct index_table *table, size_t at);

#endif
