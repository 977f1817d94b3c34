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
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "result.h"

#define COLUMNS	  80
#define WORD_SIZE 256

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

const char *
cmd_colour_begin(const struct cmd *cmd, enum cmd_colour colour)
{
	static const char *const codes[] = {
	    [CMD_PLAIN] = "",
	    [CMD_GOOD] = "\033[32m",
	    [CMD_WARN] = "\033[33m",
	    [CMD_BAD] = "\033[1;31m",
	};

	return cmd->colour ? codes[colour] : "";
}

const char *
cmd_colour_end(const struct cmd *cmd, enum cmd_colour colour)
{
	return cmd->colour && colour != CMD_PLAIN ? "\033[0m" : "";
}

char
cmd_separator(const struct cmd *cmd)
{
	return cmd->terminal ? ' ' : '\t';
}

void
cmd_put_item(FILE *out, const struct cmd_item *item, bool null)
{
	(void)fprintf(out, "%s/%s/", item->dest, queue_state_name(item->state));
	if (null) {
		(void)fputs(item->file, out);
		(void)fputc('\0', out);
		return;
	}
	cmd_put(out, item->file);
	(void)fputc('\n', out);
}

void
cmd_put_missing(const char *word)
{
	(void)fputs("dcmspool: no item ", stderr);
	cmd_put(stderr, word);
	(void)fputc('\n', stderr);
}

size_t
cmd_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col;
}

void
cmd_put_wrapped(size_t at, size_t indent, const char *text)
{
	size_t columns = cmd_columns(), size;
	bool begins = true; /* a line, or behind what is there */
	char word[WORD_SIZE], *tab;

	for (; *text != '\0'; text += size + strspn(text + size, " ")) {
		size = strcspn(text, " ");
		if (size >= sizeof(word))
			size = sizeof(word) - 1;
		(void)snprintf(word, sizeof(word), "%.*s", (int)size, text);
		while ((tab = strchr(word, '\t')) != NULL)
			*tab = ' ';
		if (!begins && at + 1 + size > columns) {
			(void)printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (!begins) {
			(void)putchar(' ');
			at++;
		}
		cmd_put(stdout, word);
		at += size;
		/* A longer one goes on at once. */
		begins = text[size] != ' ' && text[size] != '\0';
	}
	(void)putchar('\n');
}

void
cmd_status_format(int status, char out[CMD_STATUS_SIZE])
{
	if (status == RESULT_NO_STATUS)
		(void)strcpy(out, "none");
	else
		(void)snprintf(
		    out, CMD_STATUS_SIZE, "0x%04X", (unsigned)status);
}

const char *
cmd_status_words(int status)
{
	static const struct {
		int first, last;
		const char *words;
	} statuses[] = {
	    {RESULT_NO_STATUS, RESULT_NO_STATUS, "no answer"},
	    {0x0000, 0x0000, "success"},
	    {0x0001, 0x0001, "warning: optional attributes not supported"},
	    {0x0105, 0x0105, "no such attribute"},
	    {0x0106, 0x0106, "invalid attribute value"},
	    {0x0107, 0x0107, "warning: attribute list error"},
	    {0x0110, 0x0110, "processing failure at the destination"},
	    {0x0111, 0x0111, "it has an instance of this UID already"},
	    {0x0112, 0x0112, "no such SOP instance"},
	    {0x0116, 0x0116, "warning: attribute value out of range"},
	    {0x0117, 0x0117, "invalid SOP Instance UID"},
	    {0x0118, 0x0118, "no such SOP class"},
	    {0x0122, 0x0122, "it does not take this SOP class"},
	    {0x0124, 0x0124, "not authorized"},
	    {0x0210, 0x0210, "duplicate invocation"},
	    {0x0211, 0x0211, "it does not know the operation"},
	    {0x0212, 0x0212, "mistyped argument"},
	    {0x0213, 0x0213, "resource limitation at the destination"},
	    {0xA700, 0xA7FF, "the destination is out of resources"},
	    {0xA900, 0xA9FF,
		"the data set does not fit its SOP class, or what "
		"the destination expects of it"},
	    {0xB000, 0xBFFF, "warning: stored, with changes"},
	    {0xC000, 0xCFFF, "the destination cannot understand it"},
	};
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (status >= statuses[i].first && status <= statuses[i].last)
			return statuses[i].words;
	return "refused";
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
