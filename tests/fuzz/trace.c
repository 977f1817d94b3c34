/*
 * Log and ledger: what is written is one line and is read again as it was, and
 * any file can be given to be read.
 *
 * Errors: what does not hold aborts.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/clock.h"
#include "../../spool/cmd_trace.h"
#include "../../spool/log.h"
#include "fuzz.h"

static int
look(void *context, const struct trace_line *line)
{
	static const char *const keys[] = {"association", "item", "status"};
	char value[64], iso[CLOCK_ISO_SIZE];
	int64_t real_us;
	size_t i;

	(void)context;
	FUZZ_CHECK(strlen(line->text) < TRACE_LINE_SIZE);
	FUZZ_CHECK(strpbrk(line->text, "\r\n") == NULL);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (trace_value(line->text, keys[i], value, sizeof(value)))
			FUZZ_CHECK(strlen(value) < sizeof(value));
	if (trace_event(line->text, value, sizeof(value))) {
		FUZZ_CHECK(value[0] != '\0');
		FUZZ_CHECK(strspn(value, "abcdefghijklmnopqrstuvwxyz-") ==
			   strlen(value));
		fuzz_reached();
	}
	(void)snprintf(iso, sizeof(iso), "%s", line->text);
	if (clock_iso_parse(iso, &real_us))
		FUZZ_CHECK(line->real_us == real_us);
	return 0;
}

static void
write_and_read(const char *value)
{
	const struct log_field fields[] = {
	    LOG_STR("note", value), LOG_STR("item", "it"), LOG_NONE};
	char line[LOG_LINE_SIZE + 1], *event, out[LOG_LINE_SIZE];
	bool plain = true;
	size_t size, i;

	size = log_format(line, "ledger", "took", fields);
	FUZZ_CHECK(size <= LOG_LINE_SIZE && line[size - 1] == '\n');
	line[size - 1] = '\0';
	FUZZ_CHECK(strlen(line) == size - 1);
	for (i = 0; i < size - 1; i++)
		FUZZ_CHECK(isprint((unsigned char)line[i]));
	for (i = 0; value[i] != '\0'; i++)
		plain = plain && isprint((unsigned char)value[i]);
	if (size == LOG_LINE_SIZE)
		return; /* cut */
	event = line;
	FUZZ_CHECK(trace_event(event, out, sizeof(out)));
	FUZZ_CHECK(strcmp(out, "took") == 0);
	FUZZ_CHECK(trace_value(line, "item", out, sizeof(out)));
	FUZZ_CHECK(strcmp(out, "it") == 0);
	FUZZ_CHECK(trace_value(line, "note", out, sizeof(out)));
	if (plain)
		FUZZ_CHECK(strcmp(out, value) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[256];
	char *value = fuzz_string(data, size);
	struct err err;

	if (path[0] == '\0')
		(void)snprintf(path, sizeof(path), "%s/log", fuzz_folder());
	write_and_read(value);
	free(value);
	fuzz_write(path, data, size);
	FUZZ_CHECK(trace_read(path, look, NULL, &err) == 0);
	return 0;
}
