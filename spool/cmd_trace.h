/*
 * dcmspool trace: log lines of the daemons, from files, read anew.
 */
#ifndef DCMSPOOL_CMD_TRACE_H
#define DCMSPOOL_CMD_TRACE_H

#include "cmd.h"

#define TRACE_LINE_SIZE 4096 /* what is longer is cut */

/* A line `... event key=value ...`, whatever stands before the event. */
struct trace_line {
	int64_t real_us;  /* 0: it does not say, or in no way that we know */
	const char *text; /* without its end of line */
};

/*
 * Calls visit for each line of a file: "-" is standard input; one that ends
 * in .gz, .xz, .zst or .bz2 is read through the program for it. Stops where
 * visit returns other than 0, and returns that. 0 or -1.
 */
int trace_read(const char *file,
    int (*visit)(void *context, const struct trace_line *line), void *context,
    struct err *err);

/* The value of a key, unescaped: true and out. */
bool trace_value(const char *text, const char *key, char *out, size_t size);

/* The event: the word before the first key=value. */
bool trace_event(const char *text, char *out, size_t size);

#endif
