/*
 * The log sink, the one global besides the signal flag: `event key=value ...`
 * to stderr or syslog, one write a line.
 *
 * Errors: a line that cannot be written is lost; a line longer than
 * LOG_LINE_SIZE is cut.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "text.h"

static struct {
	const char *program;
	enum log_level level;
	bool to_syslog;
} sink = {"dcmspool", LOG_LEVEL_INFO, false};

struct line {
	char text[LOG_LINE_SIZE];
	size_t used;
};

static const char *const level_words[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

static void put_char(struct line *line, char c);
static void put_text(struct line *line, const char *text);
static void put_value(struct line *line, const char *value);
static void put_event(
    struct line *line, const char *event, const struct log_field *fields);
static void put_field(struct line *line, const struct log_field *field);
static int syslog_priority(enum log_level level);

void
log_open(const char *program, enum log_level level, bool to_syslog)
{
	sink.program = program;
	sink.level = level;
	sink.to_syslog = to_syslog;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

size_t
log_format(char out[LOG_LINE_SIZE], const char *word, const char *event,
    const struct log_field *fields)
{
	struct line line = {.used = 0};
	char pid[TEXT_INT_SIZE], iso[CLOCK_ISO_SIZE];

	clock_iso_format(clock_real_us(), iso);
	text_int(getpid(), pid);
	text_join(line.text, sizeof(line.text), iso, " ", sink.program, "[",
	    pid, "] ", word, " ", NULL);
	line.used = strlen(line.text);
	put_event(&line, event, fields);
	line.text[line.used++] = '\n';
	(void)memcpy(out, line.text, line.used);
	return line.used;
}

void
log_event(
    enum log_level level, const char *event, const struct log_field *fields)
{
	int saved = errno;
	char text[LOG_LINE_SIZE];
	struct line line = {.used = 0};
	size_t size;

	if (level < sink.level)
		return;
	if (sink.to_syslog) {
		put_event(&line, event, fields);
		line.text[line.used] = '\0';
		syslog(syslog_priority(level), "%s", line.text);
	} else {
		size = log_format(text, level_words[level], event, fields);
		if (write(STDERR_FILENO, text, size) == -1)
			errno = saved; /* there is nobody left to tell */
	}
	errno = saved;
}

int
log_level_parse(const char *word, enum log_level *level)
{
	size_t i;

	for (i = 0; i < sizeof(level_words) / sizeof(level_words[0]); i++)
		if (strcmp(word, level_words[i]) == 0) {
			*level = (enum log_level)i;
			return 1;
		}
	return 0;
}

static void
put_char(struct line *line, char c)
{
	if (line->used < LOG_LINE_SIZE - 1)
		line->text[line->used++] = c;
}

static void
put_text(struct line *line, const char *text)
{
	for (; *text != '\0'; text++)
		put_char(line, *text);
}

/* Bare where it is one word; else quoted, with \xHH for what could break the
 * line or a terminal. */
static void
put_value(struct line *line, const char *value)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *c;
	bool quote;

	quote = *value == '\0' || strpbrk(value, " \"=\\") != NULL;
	for (c = (const unsigned char *)value; *c != '\0' && !quote; c++)
		quote = *c < 0x21 || *c >= 0x7f;
	if (!quote) {
		put_text(line, value);
		return;
	}
	put_char(line, '"');
	for (c = (const unsigned char *)value; *c != '\0'; c++) {
		if (*c < 0x20 || *c >= 0x7f) {
			put_text(line, "\\x");
			put_char(line, hex[*c >> 4]);
			put_char(line, hex[*c & 15]);
			continue;
		}
		if (*c == '"' || *c == '\\')
			put_char(line, '\\');
		put_char(line, (char)*c);
	}
	put_char(line, '"');
}

static void
put_event(struct line *line, const char *event, const struct log_field *fields)
{
	const struct log_field *field;

	put_text(line, event);
	for (field = fields; field->type != LOG_TYPE_END; field++)
		put_field(line, field);
}

static void
put_field(struct line *line, const struct log_field *field)
{
	char number[32];

	put_char(line, ' ');
	put_text(line, field->key);
	put_char(line, '=');
	switch (field->type) {
	case LOG_TYPE_END:
		break;
	case LOG_TYPE_STR:
		put_value(line, field->str == NULL ? "" : field->str);
		break;
	case LOG_TYPE_INT:
		text_int(field->num, number);
		put_text(line, number);
		break;
	case LOG_TYPE_HEX:
		(void)snprintf(
		    number, sizeof(number), "0x%04X", (unsigned)field->num);
		put_text(line, number);
		break;
	}
}

static int
syslog_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return LOG_DEBUG;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_WARNING:
		return LOG_WARNING;
	case LOG_LEVEL_ERROR:
		break;
	}
	return LOG_ERR;
}
