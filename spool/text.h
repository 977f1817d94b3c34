/*
 * Short texts without printf(3): names, paths and times are written a dozen
 * times an instance, and its formats cost more than what they write.
 */
#ifndef DCMSPOOL_TEXT_H
#define DCMSPOOL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_INT_SIZE 21 /* "-9223372036854775808" */

/* Strings one behind the other, the last argument NULL. Always terminated;
 * what does not fit is cut, as by snprintf(3). size is at least 1. */
void text_join(char *out, size_t size, ...) __attribute__((sentinel));

void text_int(int64_t value, char out[TEXT_INT_SIZE]);

/* The last n decimal digits of value, which is not negative, with zeros in
 * front. Not terminated. */
void text_digits(int value, char *out, int n);

/* Two lower-case digits a byte; out holds 2 n + 1. */
void text_hex(const uint8_t *bytes, size_t n, char *out);

#endif
