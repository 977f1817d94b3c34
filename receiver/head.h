/*
 * The first bytes of a data set, where one can see that it is none: a whole
 * DICOM file, or its meta information, sent by mistake. Pure: no I/O.
 */
#ifndef DCMSPOOL_RECEIVER_HEAD_H
#define DCMSPOOL_RECEIVER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_SIZE 132 /* preamble and prefix, PS3.10 7.1 */

struct head {
	uint8_t data[HEAD_SIZE];
	size_t size;
};

/* Keeps of the data what still belongs to the head. */
void head_add(struct head *head, const void *data, size_t size);

/* Whether it begins like a file; never true for the deflated transfer
 * syntax, in which nothing can be seen. */
bool head_is_file(const struct head *head, const char *transfer_syntax);

#endif
