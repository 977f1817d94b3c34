/*
 * The log: one line an event, `event key=value ...`, to stderr or syslog.
 * Values are escaped here, so that no string from the network can break a
 * line. Patient data must never be passed in.
 *
 *	LOG(LOG_LEVEL_INFO, "delivered", LOG_STR("item", name),
 *	    LOG_HEX("status", status), LOG_INT("ms", elapsed_ms));
 */
#ifndef DCMSPOOL_LOG_H
#define DCMSPOOL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
};

enum log_type {
	LOG_TYPE_END = 0,
	LOG_TYPE_STR,
	LOG_TYPE_INT,
	LOG_TYPE_HEX
};

struct log_field {
	enum log_type type;
	const char *key;
	const char *str;
	int64_t num;
};

#define LOG_STR(k, v) ((struct log_field){LOG_TYPE_STR, (k), (v), 0})
#define LOG_INT(k, v) ((struct log_field){LOG_TYPE_INT, (k), 0, (int64_t)(v)})
#define LOG_HEX(k, v) ((struct log_field){LOG_TYPE_HEX, (k), 0, (int64_t)(v)})

/* A line with no fields is LOG(level, event, LOG_NONE). */
#define LOG_NONE ((struct log_field){LOG_TYPE_END, 0, 0, 0})

#define LOG(level, event, ...)                                                 \
	log_event((level), (event),                                            \
	    (const struct log_field[]){__VA_ARGS__, LOG_NONE})

/*
 * program is kept by pointer. Lines below `level` are dropped. Before the
 * first call everything from info on goes to stderr.
 */
void log_open(const char *program, enum log_level level, bool to_syslog);

#define LOG_LINE_SIZE 1024

/*
 * One line as it is written to a file: time, program and process, a word for
 * the kind of line, event, fields, and the end of the line. Pure but for the
 * clock. Returns its length; what does not fit is cut.
 */
size_t log_format(char out[LOG_LINE_SIZE], const char *word, const char *event,
    const struct log_field *fields);

/* Use LOG(). fields ends with LOG_TYPE_END. Cannot fail; keeps errno. */
void log_event(
    enum log_level level, const char *event, const struct log_field *fields);

/* "debug", "info", "warning", "error" -> level: 1, or 0 for another word. */
int log_level_parse(const char *word, enum log_level *level);

#endif
