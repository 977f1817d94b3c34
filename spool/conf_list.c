/*
 * Comma-separated lists: AE titles, UIDs, destinations.
 *
 * Errors: ERR_CONFIG with file, line and key, and what to write instead;
 * ERR_TEMPORARY where there is no memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_list.h"
#include "peer.h"

#define AET_MAX 16 /* PS3.5 6.2 */
#define UID_MAX 64 /* PS3.5 9.1 */
#define BLANKS	" \t\r\n"

static int split(const char *text, struct conf_patterns *list,
    const struct conf_place *place, struct err *err);
static int append(struct conf_patterns *list, const char *start, size_t size);
static const char *entry_problem(const struct conf_key *key, const char *entry);
static const char *uid_problem(const char *uid);
static int find_target(const char *name, const struct conf *conf, size_t *index,
    const struct conf_place *place, struct err *err);
static int add_target(
    struct conf_route *, size_t, const struct conf_place *, struct err *);
static int mark_wait(const char *name, const struct conf *conf,
    struct conf_route *route, const struct conf_place *place, struct err *err);

int
conf_list_patterns(const struct conf_key *key, const char *text,
    struct conf_patterns *patterns, const struct conf_place *place,
    struct err *err)
{
	const char *problem;
	size_t i;

	if (split(text, patterns, place, err) < 0)
		return -1;
	/* Where the default is no entry, none may be written too. */
	if (patterns->n == 0 && (key->required || *key->text != '\0'))
		return conf_fail(place, err, "is empty; write %s = %s;",
		    key->name, key->example);
	for (i = 0; i < patterns->n; i++) {
		problem = entry_problem(key, patterns->pattern[i]);
		if (problem != NULL)
			return conf_fail(place, err, "\"%.80s\" %s",
			    patterns->pattern[i], problem);
	}
	return 0;
}

int
conf_list_targets(const struct conf_key *key, const char *text,
    const struct conf *conf, struct conf_route *route,
    const struct conf_place *place, struct err *err)
{
	struct conf_patterns names = {0};
	size_t i, index = 0;
	int r = -1;

	if (split(text, &names, place, err) < 0)
		goto out;
	if (names.n == 0) {
		(void)conf_fail(place, err, "is empty; write %s = %s;",
		    key->name, key->example);
		goto out;
	}
	route->destinations = calloc(names.n, sizeof(*route->destinations));
	if (route->destinations == NULL) {
		(void)conf_fail_memory(place, err);
		goto out;
	}
	for (i = 0; i < names.n; i++)
		if (find_target(names.pattern[i], conf, &index, place, err) <
			0 ||
		    add_target(route, index, place, err) < 0)
			goto out;
	r = 0;
out:
	conf_list_free(&names);
	return r;
}

int
conf_list_wait_for(const char *text, const struct conf *conf,
    struct conf_route *route, const struct conf_place *place, struct err *err)
{
	struct conf_patterns names = {0};
	size_t i;
	int r = -1;

	route->wait_for =
	    calloc(route->destinations_n, sizeof(*route->wait_for));
	if (route->wait_for == NULL)
		return conf_fail_memory(place, err);
	if (text == NULL) {
		for (i = 0; i < route->destinations_n; i++)
			route->wait_for[i] = true;
		return 0;
	}
	if (split(text, &names, place, err) < 0)
		goto out;
	if (names.n == 0) {
		(void)conf_fail(place, err,
		    "is empty; to answer without a wait leave it out and write "
		    "AnswerWhen = \"spooled\";");
		goto out;
	}
	for (i = 0; i < names.n; i++)
		if (mark_wait(names.pattern[i], conf, route, place, err) < 0)
			goto out;
	r = 0;
out:
	conf_list_free(&names);
	return r;
}

void
conf_list_free(struct conf_patterns *patterns)
{
	while (patterns->n > 0)
		free(patterns->pattern[--patterns->n]);
	free(patterns->pattern);
	patterns->pattern = NULL;
}

const char *
conf_aet_problem(const char *aet, bool pattern)
{
	const char *c;

	if (*aet == '\0')
		return "is empty; write an AE title of 1 to 16 characters";
	for (c = aet; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || *c == '\\')
			return "holds a control character, a backslash or one "
			       "beyond ASCII; write an AE title without";
	/* Such a pattern may be longer than what it matches. */
	if (pattern && strpbrk(aet, "*[") != NULL)
		return NULL;
	if (strlen(aet) > AET_MAX)
		return "is longer than 16 characters; write an AE title of at "
		       "most 16";
	if (!pattern && *aet == '%' && strcmp(aet, "%calling") != 0 &&
	    strcmp(aet, "%called") != 0)
		return "is no AE title that can be passed on; write "
		       "\"%calling\", \"%called\", or one without a leading %";
	return NULL;
}

static const char *
entry_problem(const struct conf_key *key, const char *entry)
{
	if (key->type == CONF_AETS)
		return conf_aet_problem(entry, true);
	if (key->type == CONF_NETWORKS)
		return peer_network_problem(entry);
	if (key->type == CONF_CERTIFICATES)
		return peer_certificate_problem(entry);
	return uid_problem(entry);
}

static const char *
uid_problem(const char *uid)
{
	if (uid[strspn(uid, "0123456789.*?[]!-")] != '\0')
		return "is no UID; write UIDs, or patterns of them, made of "
		       "0-9 . * ? [ ] ! -";
	if (strpbrk(uid, "*[") == NULL && strlen(uid) > UID_MAX)
		return "is longer than 64 characters; write a UID of at most "
		       "64";
	return NULL;
}

/* Blank text is no entry at all. */
static int
split(const char *text, struct conf_patterns *list,
    const struct conf_place *place, struct err *err)
{
	size_t size, next;

	if (text[strspn(text, BLANKS)] == '\0')
		return 0;
	for (;; text += next + 1) {
		next = strcspn(text, ",");
		for (size = next; size > 0; size--)
			if (strchr(BLANKS, text[size - 1]) == NULL)
				break;
		while (size > 0 && strchr(BLANKS, *text) != NULL) {
			text++;
			size--;
			next--;
		}
		if (size == 0)
			return conf_fail(place, err,
			    "has an empty entry; write names with one comma "
			    "between two of them");
		if (append(list, text, size) < 0)
			return conf_fail_memory(place, err);
		if (text[next] == '\0')
			return 0;
	}
}

static int
append(struct conf_patterns *list, const char *start, size_t size)
{
	char **grown;

	grown = reallocarray(list->pattern, list->n + 1, sizeof(*grown));
	if (grown == NULL)
		return -1;
	list->pattern = grown;
	grown[list->n] = strndup(start, size);
	if (grown[list->n] == NULL)
		return -1;
	list->n++;
	return 0;
}

static int
find_target(const char *name, const struct conf *conf, size_t *index,
    const struct conf_place *place, struct err *err)
{
	char known[256];
	size_t i, used = 0;

	for (i = 0; i < conf->destinations_n; i++)
		if (strcmp(conf->destinations[i].name, name) == 0) {
			*index = i;
			return 0;
		}
	*known = '\0';
	for (i = 0; i < conf->destinations_n && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used,
		    "%s%s", i > 0 ? ", " : "", conf->destinations[i].name);
	return conf_fail(place, err,
	    "\"%.64s\" is not the Name of a destination; write one of: %s",
	    name, known);
}

static int
add_target(struct conf_route *route, size_t index,
    const struct conf_place *place, struct err *err)
{
	size_t i;

	for (i = 0; i < route->destinations_n; i++)
		if (route->destinations[i] == index)
			return conf_fail(place, err,
			    "names a destination twice; write each once");
	route->destinations[route->destinations_n++] = index;
	return 0;
}

static int
mark_wait(const char *name, const struct conf *conf, struct conf_route *route,
    const struct conf_place *place, struct err *err)
{
	size_t i;

	for (i = 0; i < route->destinations_n; i++)
		if (strcmp(conf->destinations[route->destinations[i]].name,
			name) == 0) {
			route->wait_for[i] = true;
			return 0;
		}
	return conf_fail(place, err,
	    "\"%.64s\" is not in this route's DuplexTargetConfigNames; write "
	    "one that is, or add it there",
	    name);
}
