/*
 * What the operator command prints: text that is safe on a terminal, ages,
 * and JSON.
 *
 * Errors: ERR_TEMPORARY where there is no memory; main checks stdout once, at
 * the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cmd.h"

void
cmd_put(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 0x20 && *text < 0x7f && *text != '\\')
			(void)fputc(*text, out);
		else if (*text == '\\')
			(void)fputs("\\\\", out);
		else
			(void)fprintf(
			    out, "\\x%02x", (unsigned)(unsigned char)*text);
}

void
cmd_age_format(int64_t us, char out[CMD_AGE_SIZE])
{
	static const struct {
		int64_t size_s;
		char unit, next_unit;
		int64_t next_s;
	} units[] = {
	    {86400, 'd', 'h', 3600},
	    {3600, 'h', 'm', 60},
	    {60, 'm', 's', 1},
	};
	int64_t s = us < 0 ? 0 : us / 1000000;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (s >= units[i].size_s) {
			(void)snprintf(out, CMD_AGE_SIZE,
			    "%" PRId64 "%c%" PRId64 "%c", s / units[i].size_s,
			    units[i].unit,
			    s % units[i].size_s / units[i].next_s,
			    units[i].next_unit);
			return;
		}
	(void)snprintf(out, CMD_AGE_SIZE, "%" PRId64 "s", s);
}

json_t *
cmd_json_text(const char *text)
{
	json_t *string = json_string(text);
	char *utf8, *at;

	if (string != NULL)
		return string;
	at = utf8 = malloc(2 * strlen(text) + 1);
	if (utf8 == NULL)
		return NULL;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x80) {
			*at++ = *text;
		} else {
			*at++ = (char)(0xC0 | (unsigned char)*text >> 6);
			*at++ = (char)(0x80 | ((unsigned char)*text & 0x3F));
		}
	*at = '\0';
	string = json_string(utf8);
	free(utf8);
	return string;
}

json_t *
cmd_json_time(int64_t real_us)
{
	char iso[CLOCK_ISO_SIZE];

	if (real_us == 0)
		return json_null();
	clock_iso_format(real_us, iso);
	return json_string(iso);
}

int
cmd_json_print(json_t *object, struct err *err)
{
	int rc = -1;

	if (object != NULL)
		rc = json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	if (rc == -1)
		return err_set(err, ERR_TEMPORARY, "print JSON: no memory");
	(void)putchar('\n');
	return 0;
}
