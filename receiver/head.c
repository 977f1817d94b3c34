/*
 * The first bytes of a data set.
 *
 * Errors: none.
 */
#include <string.h>

#include "head.h"

#define DEFLATED      "1.2.840.10008.1.2.1.99"
#define PREAMBLE_SIZE 128
#define PREFIX	      "DICM"
#define PREFIX_SIZE   4

void
head_add(struct head *head, const void *data, size_t size)
{
	if (size > sizeof(head->data) - head->size)
		size = sizeof(head->data) - head->size;
	if (size == 0)
		return;
	memcpy(head->data + head->size, data, size);
	head->size += size;
}

bool
head_is_file(const struct head *head, const char *transfer_syntax)
{
	static const uint8_t preamble[PREAMBLE_SIZE];
	const uint8_t *data = head->data;

	if (strcmp(transfer_syntax, DEFLATED) == 0)
		return false;
	/* Group 0002, in either byte order. */
	if (head->size >= 2 &&
	    ((data[0] == 2 && data[1] == 0) || (data[0] == 0 && data[1] == 2)))
		return true;
	if (head->size >= PREFIX_SIZE && memcmp(data, PREFIX, PREFIX_SIZE) == 0)
		return true;
	return head->size == sizeof(head->data) &&
	       memcmp(data, preamble, sizeof(preamble)) == 0 &&
	       memcmp(data + PREAMBLE_SIZE, PREFIX, PREFIX_SIZE) == 0;
}
