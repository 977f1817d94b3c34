/*
 * StatusClass: which class a destination's status is moved to.
 *
 * Errors: ERR_CONFIG with file, line and key, and what to write instead;
 * ERR_TEMPORARY where there is no memory.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf_status.h"
#include "conf_value.h"

#define BLANKS	   " \t\r\n"
#define STATUS_MAX 0xFFFF

static bool parse_rule(const char *text, struct conf_status_rule *rule);
static bool parse_status(const char **text, unsigned *status);
static bool parse_class(const char *text, enum conf_status_class *class);

int
conf_status_read(const struct conf_key *key, config_setting_t *setting,
    struct conf_destination *destination, const struct conf_place *place,
    struct err *err)
{
	struct conf_place at = *place;
	config_setting_t *element;
	const char *text;
	int i, n;

	if (setting == NULL)
		return 0;
	if (!config_setting_is_array(setting) &&
	    !config_setting_is_list(setting))
		return conf_fail_type(key, setting, place, err);
	n = config_setting_length(setting);
	if (n == 0)
		return 0;
	destination->status_rules =
	    calloc((size_t)n, sizeof(*destination->status_rules));
	if (destination->status_rules == NULL)
		return conf_fail_memory(place, err);
	for (i = 0; i < n; i++) {
		element = config_setting_get_elem(setting, (unsigned)i);
		at.line = config_setting_source_line(element);
		text = config_setting_get_string(element);
		if (text == NULL)
			return conf_fail_type(key, element, &at, err);
		if (!parse_rule(text, &destination->status_rules[i]))
			return conf_fail(&at, err,
			    "\"%.64s\" is no rule; write a status or a range "
			    "within 0x0001-0xFFFF, then delivered, transient "
			    "or permanent, such as \"0xB000-0xBFFF permanent\"",
			    text);
	}
	destination->status_rules_n = (size_t)n;
	return 0;
}

/* "0xA900 transient", "0xB000-0xBFFF permanent" */
static bool
parse_rule(const char *text, struct conf_status_rule *rule)
{
	text += strspn(text, BLANKS);
	if (!parse_status(&text, &rule->first))
		return false;
	rule->last = rule->first;
	if (*text == '-') {
		text++;
		if (!parse_status(&text, &rule->last))
			return false;
	}
	if (strchr(BLANKS, *text) == NULL || *text == '\0')
		return false;
	text += strspn(text, BLANKS);
	/* 0x0000 stays a success. */
	return rule->first >= 1 && rule->first <= rule->last &&
	       rule->last <= STATUS_MAX && parse_class(text, &rule->class);
}

/* "0x" and four hexadecimal digits; *text is then behind them. */
static bool
parse_status(const char **text, unsigned *status)
{
	const char *c = *text;
	char *end;
	int i;

	if (c[0] != '0' || (c[1] != 'x' && c[1] != 'X'))
		return false;
	for (i = 2; i < 6; i++)
		if (!isxdigit((unsigned char)c[i]))
			return false;
	if (isxdigit((unsigned char)c[6]))
		return false;
	*status = (unsigned)strtoul(c, &end, 16);
	*text = end;
	return true;
}

static bool
parse_class(const char *text, enum conf_status_class *class)
{
	static const struct {
		const char *word;
		enum conf_status_class class;
	} words[] = {{"delivered", CONF_STATUS_DELIVERED},
	    {"transient", CONF_STATUS_TRANSIENT},
	    {"permanent", CONF_STATUS_PERMANENT}};
	size_t size = strlen(text), i;

	while (size > 0 && strchr(BLANKS, text[size - 1]) != NULL)
		size--;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == size &&
		    strncmp(words[i].word, text, size) == 0) {
			*class = words[i].class;
			return true;
		}
	return false;
}
