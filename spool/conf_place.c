/*
 * Where in the configuration something is wrong.
 *
 * Errors: these functions only make them. Control characters, which a value
 * may hold, become '?': a message is one line.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf_place.h"

#define KEY_SIZE 128

static void format_key(const struct conf_place *place, char out[KEY_SIZE]);
static int fail(const struct conf_place *place, enum err_class class,
    const char *what, struct err *err);

int
conf_fail(
    const struct conf_place *place, struct err *err, const char *format, ...)
{
	char what[ERR_TEXT_SIZE];
	va_list args;
	char *c;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	for (c = what; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return fail(place, ERR_CONFIG, what, err);
}

int
conf_fail_memory(const struct conf_place *place, struct err *err)
{
	return fail(place, ERR_TEMPORARY, "out of memory", err);
}

static int
fail(const struct conf_place *place, enum err_class class, const char *what,
    struct err *err)
{
	char key[KEY_SIZE];

	format_key(place, key);
	return err_set(err, class, "%s:%u: %s%s%s", place->file,
	    place->line > 0 ? place->line : 1, key, *key != '\0' ? ": " : "",
	    what);
}

static void
format_key(const struct conf_place *place, char out[KEY_SIZE])
{
	const char *dot =
	    *place->group != '\0' && *place->key != '\0' ? "." : "";

	if (place->index >= 0)
		(void)snprintf(out, KEY_SIZE, "%s[%d]%s%s", place->group,
		    place->index, dot, place->key);
	else
		(void)snprintf(
		    out, KEY_SIZE, "%s%s%s", place->group, dot, place->key);
}
