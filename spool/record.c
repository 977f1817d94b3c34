/*
 * Text records: packing and unpacking, apart from I/O.
 *
 * Errors: a writer that is full says so in the end; a line that is none, or a
 * value that is not of its kind, is -1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "record.h"
#include "text.h"

static void put(struct record_writer *w, char c);
static void put_escaped(struct record_writer *w, unsigned char c);
static int unescape(const char **c, const char *end, char *out);
static int hex_digit(char c);

void
record_begin(
    struct record_writer *w, char *text, size_t size, const char *magic)
{
	*w = (struct record_writer){.text = text, .size = size};
	for (; *magic != '\0'; magic++)
		put(w, *magic);
	put(w, '\n');
}

void
record_add(struct record_writer *w, const char *name, const char *value)
{
	for (; *name != '\0'; name++)
		put(w, *name);
	put(w, ':');
	put(w, ' ');
	for (; *value != '\0'; value++)
		put_escaped(w, (unsigned char)*value);
	put(w, '\n');
}

void
record_add_int(struct record_writer *w, const char *name, int64_t value)
{
	char text[TEXT_INT_SIZE];

	text_int(value, text);
	record_add(w, name, text);
}

void
record_add_hex(struct record_writer *w, const char *name, unsigned value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "0x%04X", value);
	record_add(w, name, text);
}

void
record_add_time(struct record_writer *w, const char *name, int64_t real_us)
{
	char iso[CLOCK_ISO_SIZE];

	if (real_us == 0)
		return;
	clock_iso_format(real_us, iso);
	record_add(w, name, iso);
}

int
record_open(const char *text, size_t size, const char *magic, size_t *cursor)
{
	size_t n = strlen(magic);

	if (size <= n || memcmp(text, magic, n) != 0 || text[n] != '\n')
		return 0;
	*cursor = n + 1;
	return 1;
}

int
record_next(
    const char *text, size_t size, size_t *cursor, struct record_line *line)
{
	const char *start = text + *cursor, *end, *colon;
	size_t rest = size - *cursor;

	if (rest == 0 || *start == ' ' || *start == '\0')
		return 0;
	end = memchr(start, '\n', rest);
	if (end == NULL)
		return -1;
	colon = memchr(start, ':', (size_t)(end - start));
	if (colon == NULL || colon == start || colon + 1 == end ||
	    colon[1] != ' ')
		return -1;
	line->name = start;
	line->name_size = (size_t)(colon - start);
	line->value = colon + 2;
	line->value_size = (size_t)(end - line->value);
	*cursor = (size_t)(end - text) + 1;
	return 1;
}

bool
record_is(const struct record_line *line, const char *name)
{
	return strlen(name) == line->name_size &&
	       memcmp(name, line->name, line->name_size) == 0;
}

int
record_value(const struct record_line *line, char *out, size_t size)
{
	const char *c = line->value, *end = c + line->value_size;
	size_t used = 0;

	while (c < end) {
		if (used + 1 >= size || unescape(&c, end, &out[used]) == -1)
			return -1;
		used++;
	}
	out[used] = '\0';
	return 0;
}

int
record_value_int(
    const struct record_line *line, int64_t min, int64_t max, int64_t *out)
{
	char text[24], *end;
	long long value;

	if (record_value(line, text, sizeof(text)) == -1 || text[0] == '\0' ||
	    text[strspn(text, "-0123456789")] != '\0')
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end != '\0' || errno != 0 || value < min || value > max)
		return -1;
	*out = value;
	return 0;
}

int
record_value_hex(const struct record_line *line, unsigned *out)
{
	unsigned value = 0;
	size_t i;

	if (line->value_size < 3 || line->value_size > 6 ||
	    memcmp(line->value, "0x", 2) != 0)
		return -1;
	for (i = 2; i < line->value_size; i++) {
		if (hex_digit(line->value[i]) == -1)
			return -1;
		value = value * 16 + (unsigned)hex_digit(line->value[i]);
	}
	*out = value;
	return 0;
}

int
record_value_time(const struct record_line *line, int64_t *real_us)
{
	char iso[CLOCK_ISO_SIZE];

	if (record_value(line, iso, sizeof(iso)) == -1 ||
	    !clock_iso_parse(iso, real_us))
		return -1;
	return 0;
}

static void
put(struct record_writer *w, char c)
{
	if (w->used + 1 >= w->size) {
		w->full = true;
		return;
	}
	w->text[w->used++] = c;
	w->text[w->used] = '\0';
}

static void
put_escaped(struct record_writer *w, unsigned char c)
{
	static const char hex[] = "0123456789ABCDEF";

	if (c >= 0x20 && c != 0x7f && c != '\\') {
		put(w, (char)c);
		return;
	}
	put(w, '\\');
	switch (c) {
	case '\\':
		put(w, '\\');
		break;
	case '\n':
		put(w, 'n');
		break;
	case '\r':
		put(w, 'r');
		break;
	case '\t':
		put(w, 't');
		break;
	default:
		put(w, 'x');
		put(w, hex[c >> 4]);
		put(w, hex[c & 15]);
		break;
	}
}

/* Takes one character, or one escape, from *c. */
static int
unescape(const char **c, const char *end, char *out)
{
	int value;

	if (**c != '\\') {
		*out = *(*c)++;
		return *out == '\0' ? -1 : 0;
	}
	if (*c + 1 == end)
		return -1;
	(*c)++;
	switch (*(*c)++) {
	case '\\':
		*out = '\\';
		return 0;
	case 'n':
		*out = '\n';
		return 0;
	case 'r':
		*out = '\r';
		return 0;
	case 't':
		*out = '\t';
		return 0;
	case 'x':
		break;
	default:
		return -1;
	}
	if (end - *c < 2 || hex_digit((*c)[0]) == -1 ||
	    hex_digit((*c)[1]) == -1)
		return -1;
	value = hex_digit((*c)[0]) * 16 + hex_digit((*c)[1]);
	*c += 2;
	*out = (char)value;
	return value == 0 ? -1 : 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}
