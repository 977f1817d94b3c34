/*
 * Text records: a first line that says what it is, then `Name: value` lines.
 * The envelope, the result marker and the link record are such. Pure: no I/O.
 * Values are escaped (\n, \r, \t, \\ and \xHH for other control bytes): a
 * line is a line.
 */
#ifndef DCMSPOOL_RECORD_H
#define DCMSPOOL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_writer {
	char *text;
	size_t size;
	size_t used;
	bool full; /* something did not fit; the text is of no use */
};

/* text holds size bytes and stays the caller's; it is always terminated. */
void record_begin(
    struct record_writer *w, char *text, size_t size, const char *magic);
void record_add(struct record_writer *w, const char *name, const char *value);
void record_add_int(struct record_writer *w, const char *name, int64_t value);
/* As "0x0123". */
void record_add_hex(struct record_writer *w, const char *name, unsigned value);
/* UTC, ISO 8601; 0 writes no line. */
void record_add_time(
    struct record_writer *w, const char *name, int64_t real_us);

struct record_line {
	const char *name; /* not terminated */
	size_t name_size;
	const char *value; /* escaped, not terminated */
	size_t value_size;
};

/*
 * 1 where the first line is `magic`; *cursor is then behind it. 0 otherwise.
 */
int record_open(
    const char *text, size_t size, const char *magic, size_t *cursor);
/* The next line: 1; 0 at the end (padding spaces count as the end); -1 where
 * it is not one. */
int record_next(
    const char *text, size_t size, size_t *cursor, struct record_line *line);
bool record_is(const struct record_line *line, const char *name);
/* Unescapes into out, terminated. 0, or -1: does not fit, bad escape, NUL. */
int record_value(const struct record_line *line, char *out, size_t size);
/* Decimal, within [min, max]: 0 or -1. */
int record_value_int(
    const struct record_line *line, int64_t min, int64_t max, int64_t *out);
/* "0xHHHH" up to 0xFFFF */
int record_value_hex(const struct record_line *line, unsigned *out);
int record_value_time(const struct record_line *line, int64_t *real_us);

#endif
