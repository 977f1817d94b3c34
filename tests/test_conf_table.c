/*
 * spool/conf_table.c against the man page, in both directions, and against
 * etc/dcmspool.conf. The paths are relative to the top of the tree.
 *
 * Errors: assertions of CUnit.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../spool/conf.h"
#include "../spool/conf_equal.h"
#include "../spool/conf_table.h"
#include "test.h"

#define MAN_PAGE  "spool/dcmspool.conf.5"
#define SAMPLE	  "etc/dcmspool.conf"
#define LINE_SIZE 256

static FILE *
open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	return file;
}

static bool
read_line(FILE *file, char line[LINE_SIZE])
{
	if (fgets(line, LINE_SIZE, file) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static const char *
type_words(const struct conf_key *key)
{
	switch (key->type) {
	case CONF_FOLDER:
		return "Folder";
	case CONF_FILE:
		return "File";
	case CONF_HOST:
		return "Host";
	case CONF_USER:
		return "User";
	case CONF_NAME:
		return "Name";
	case CONF_AET:
		return "AE title";
	case CONF_AETS:
		return "Patterns of AE titles";
	case CONF_UIDS:
		return "Patterns of UIDs";
	case CONF_NETWORKS:
		return "Networks";
	case CONF_CERTIFICATES:
		return "Certificates";
	case CONF_TLS_GROUP:
		return "Group";
	case CONF_TARGETS:
	case CONF_WAIT_FOR:
		return "Names";
	case CONF_STATUS_CLASSES:
		return "List of strings";
	case CONF_INT:
	case CONF_INT64:
	case CONF_WORD:
	case CONF_FLAG:
	case CONF_BOOL:
		break;
	}
	return "";
}

/* The line that the man page has below the key's name. */
static void
summarize(const struct conf_key *key, char out[LINE_SIZE])
{
	size_t used = 0;
	int i;

	if (key->type == CONF_INT || key->type == CONF_INT64) {
		(void)snprintf(out, LINE_SIZE,
		    "Whole number%s%s, %" PRId64 " to %" PRId64
		    "; default %" PRId64 ".",
		    key->unit != NULL ? " of " : "",
		    key->unit != NULL ? key->unit : "", key->min, key->max,
		    key->number);
		return;
	}
	if (key->type == CONF_BOOL) {
		(void)snprintf(out, LINE_SIZE, "Boolean; default %s.",
		    key->number != 0 ? "true" : "false");
		return;
	}
	if (key->words == NULL) {
		used =
		    (size_t)snprintf(out, LINE_SIZE, "%s; ", type_words(key));
	} else {
		for (i = 0; key->words[i] != NULL; i++)
			used += (size_t)snprintf(out + used, LINE_SIZE - used,
			    "%s\"%s\"", i > 0 ? ", " : "One of ",
			    key->words[i]);
		used += (size_t)snprintf(out + used, LINE_SIZE - used, "; ");
	}
	if (key->required)
		(void)snprintf(out + used, LINE_SIZE - used, "required.");
	else if (key->text != NULL)
		(void)snprintf(
		    out + used, LINE_SIZE - used, "default \"%s\".", key->text);
	else
		(void)snprintf(out + used, LINE_SIZE - used, "default %s.",
		    key->type == CONF_WAIT_FOR ? "all of them" : "none");
}

static void
check_item(const struct conf_key *key, const char *name, const char *line)
{
	char summary[LINE_SIZE];

	if (key == NULL) {
		(void)fprintf(stderr, "\nnot in the table: %s\n", name);
		CU_FAIL("the man page has a key that does not exist");
		return;
	}
	summarize(key, summary);
	if (strcmp(summary, line) == 0)
		return;
	(void)fprintf(stderr, "\n%s: %s\nis not: %s\n", name, line, summary);
	CU_FAIL("the man page says something else than the table");
}

static void
test_man_page(void)
{
	const struct conf_key *table, *key;
	char line[LINE_SIZE], name[LINE_SIZE], group[64] = "";
	bool in_keys = false;
	unsigned *seen;
	size_t i, n;
	FILE *file;

	table = conf_table(&n);
	seen = calloc(n, sizeof(*seen));
	CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
	file = open_file(MAN_PAGE, "re");
	while (read_line(file, line)) {
		if (strncmp(line, ".Sh ", 4) == 0)
			in_keys = strcmp(line + 4, "KEYS") == 0;
		if (strcmp(line, ".Ss Top level") == 0)
			*group = '\0';
		else if (strncmp(line, ".Ss ", 4) == 0)
			(void)snprintf(group, sizeof(group), "%.60s", line + 4);
		if (!in_keys || strncmp(line, ".It Ic ", 7) != 0)
			continue;
		key = conf_table_find(group, line + 7);
		if (key != NULL)
			seen[key - table]++;
		(void)snprintf(name, sizeof(name), "%s", line + 7);
		CU_ASSERT_TRUE(read_line(file, line));
		check_item(key, name, line);
	}
	for (i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(seen[i], 1);
		if (seen[i] != 1)
			(void)fprintf(stderr, "\n%s.%s: %u times\n",
			    table[i].group, table[i].name, seen[i]);
	}
	free(seen);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static const void *
group_of(const struct conf *conf, const char *group)
{
	if (strcmp(group, CONF_RECEIVER) == 0)
		return &conf->receiver;
	if (strcmp(group, CONF_TLS) == 0)
		return &conf->receiver.tls;
	if (strcmp(group, CONF_ROUTES) == 0)
		return &conf->routes[0];
	if (strcmp(group, CONF_DESTINATIONS) == 0)
		return &conf->destinations[0];
	return conf;
}

/* The caller frees it. */
static struct conf *
load(const char *path)
{
	struct conf *conf = NULL;
	struct err err = {0};

	if (conf_load(path, &conf, &err) < 0)
		(void)fprintf(stderr, "\n%s\n", err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	return conf;
}

/* Takes "#Key" to "Key"; 1 and the index of the key that a line sets. */
static bool
uncomment(char *line, const struct conf_key *table, size_t n, const char *group,
    size_t *index)
{
	char *start = line + strspn(line, "\t");
	size_t i, size;

	if (start[0] == '#' && isupper((unsigned char)start[1]))
		(void)memmove(start, start + 1, strlen(start));
	size = strcspn(start, " ");
	for (i = 0; i < n; i++)
		if (strcmp(table[i].group, group) == 0 &&
		    strlen(table[i].name) == size &&
		    strncmp(table[i].name, start, size) == 0) {
			*index = i;
			return true;
		}
	return false;
}

/* The group tls stays as it is: there is no default for its files. */
static bool
is_tls_line(const char *line, const struct conf_key *table, const char *group,
    size_t *index)
{
	const struct conf_key *key = NULL;
	char name[LINE_SIZE];

	line += strspn(line, "\t");
	if (strncmp(line, "#tls = {", 8) == 0)
		key = conf_table_find(group, "tls");
	else if (strncmp(line, "#\t", 2) == 0) {
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(line + 2, " "), line + 2);
		key = conf_table_find(CONF_TLS, name);
	}
	if (key != NULL)
		*index = (size_t)(key - table);
	return key != NULL;
}

/* Writes it with all the commented defaults in force; each key is there. */
static void
uncomment_file(const char *path)
{
	const struct conf_key *table;
	char line[LINE_SIZE], group[64] = CONF_TOP;
	unsigned *seen;
	FILE *in, *out;
	size_t i, n;

	table = conf_table(&n);
	seen = calloc(n, sizeof(*seen));
	CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
	in = open_file(SAMPLE, "re");
	out = open_file(path, "we");
	while (read_line(in, line)) {
		if (islower((unsigned char)*line))
			(void)snprintf(group, sizeof(group), "%.*s",
			    (int)strcspn(line, " "), line);
		if (is_tls_line(line, table, group, &i) ||
		    uncomment(line, table, n, group, &i))
			seen[i]++;
		CU_ASSERT_TRUE(fprintf(out, "%s\n", line) >= 0);
	}
	for (i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(seen[i], 1);
		if (seen[i] != 1)
			(void)fprintf(stderr, "\n%s.%s: %u times\n",
			    table[i].group, table[i].name, seen[i]);
	}
	free(seen);
	CU_ASSERT_EQUAL(fclose(in), 0);
	CU_ASSERT_EQUAL(fclose(out), 0);
}

/* The defaults that the file shows are those that hold without it. */
static void
test_shown_defaults(void)
{
	const struct conf_key *table;
	struct conf *shown, *real;
	char path[128];
	size_t i, n;

	(void)snprintf(path, sizeof(path), "%s/x.conf", test_tmpdir());
	uncomment_file(path);
	shown = load(path);
	real = load(SAMPLE);
	table = conf_table(&n);
	for (i = 0; i < n; i++) {
		if (conf_value_equal(&table[i], group_of(shown, table[i].group),
			group_of(real, table[i].group)))
			continue;
		(void)fprintf(
		    stderr, "\n%s.%s\n", table[i].group, table[i].name);
		CU_FAIL("what is shown is not the default");
	}
	conf_free(shown);
	conf_free(real);
}

/* Written out, so that a slip in the table is seen. */
static void
test_top_defaults(void)
{
	struct conf *conf = load(SAMPLE);
	const struct conf_receiver *receiver = &conf->receiver;

	CU_ASSERT_STRING_EQUAL(conf->path, SAMPLE);
	CU_ASSERT_STRING_EQUAL(conf->storage_location, "/var/spool/dcmspool");
	CU_ASSERT_EQUAL(conf->sync_delay_ms, 20);
	CU_ASSERT_EQUAL(conf->min_free_bytes, 1073741824);
	CU_ASSERT_EQUAL(conf->min_free_inodes, 10000);
	CU_ASSERT_EQUAL(conf->log_level, LOG_LEVEL_INFO);
	CU_ASSERT_FALSE(conf->log_to_syslog);
	CU_ASSERT_EQUAL_FATAL(receiver->local_aet.n, 1);
	CU_ASSERT_STRING_EQUAL(receiver->local_aet.pattern[0], "ENS-SCP");
	CU_ASSERT_EQUAL_FATAL(receiver->remote_aet.n, 1);
	CU_ASSERT_STRING_EQUAL(receiver->remote_aet.pattern[0], "JD-SCU");
	CU_ASSERT_EQUAL(receiver->port, 1112);
	CU_ASSERT_STRING_EQUAL(receiver->local_interface, "");
	CU_ASSERT_EQUAL_FATAL(receiver->peer.n, 1);
	CU_ASSERT_STRING_EQUAL(receiver->peer.pattern[0], "*");
	CU_ASSERT_EQUAL(receiver->max_associations, 100);
	CU_ASSERT_EQUAL(receiver->max_associations_per_peer, 80);
	CU_ASSERT_EQUAL(receiver->max_instance_bytes, 0);
	CU_ASSERT_EQUAL(receiver->max_queue_bytes_per_peer, 0);
	CU_ASSERT_FALSE(receiver->tls.on);
	CU_ASSERT_EQUAL(receiver->max_pdu_bytes, 131072);
	CU_ASSERT_EQUAL(receiver->artim_s, 10);
	CU_ASSERT_EQUAL(receiver->idle_timeout_s, 600);
	CU_ASSERT_EQUAL(receiver->dimse_timeout_s, 30);
	CU_ASSERT_EQUAL(receiver->extra_sop_classes.n, 0);
	conf_free(conf);
}

static void
test_route_defaults(void)
{
	struct conf *conf = load(SAMPLE);
	const struct conf_route *route = &conf->routes[0];

	CU_ASSERT_EQUAL_FATAL(conf->routes_n, 1);
	CU_ASSERT_EQUAL_FATAL(route->remote_aet.n, 1);
	CU_ASSERT_STRING_EQUAL(route->remote_aet.pattern[0], "*");
	CU_ASSERT_EQUAL_FATAL(route->local_aet.n, 1);
	CU_ASSERT_STRING_EQUAL(route->local_aet.pattern[0], "*");
	CU_ASSERT_EQUAL_FATAL(route->sop_class.n, 1);
	CU_ASSERT_STRING_EQUAL(route->sop_class.pattern[0], "*");
	CU_ASSERT_EQUAL_FATAL(route->peer.n, 1);
	CU_ASSERT_STRING_EQUAL(route->peer.pattern[0], "*");
	CU_ASSERT_EQUAL_FATAL(route->peer_certificate.n, 1);
	CU_ASSERT_STRING_EQUAL(route->peer_certificate.pattern[0], "*");
	CU_ASSERT_EQUAL(route->max_rate, 0);
	CU_ASSERT_EQUAL_FATAL(route->destinations_n, 1);
	CU_ASSERT_EQUAL(route->destinations[0], 0);
	CU_ASSERT_TRUE(route->wait_for[0]);
	CU_ASSERT_EQUAL(route->answer_when, CONF_ANSWER_DELIVERED);
	CU_ASSERT_EQUAL(route->response_timeout_s, 25);
	CU_ASSERT_EQUAL(route->on_timeout, CONF_TIMEOUT_REFUSE);
	CU_ASSERT_EQUAL(route->on_link_down, CONF_LINK_DOWN_QUEUE);
	conf_free(conf);
}

static void
test_destination_defaults(void)
{
	struct conf *conf = load(SAMPLE);
	const struct conf_destination *destination = &conf->destinations[0];

	CU_ASSERT_EQUAL_FATAL(conf->destinations_n, 1);
	CU_ASSERT_STRING_EQUAL(destination->name, "ENS-SCU-storage");
	CU_ASSERT_STRING_EQUAL(destination->local_aet, "ENS-SCU");
	CU_ASSERT_STRING_EQUAL(destination->remote_aet, "JD-SCP");
	CU_ASSERT_STRING_EQUAL(destination->remote_host, "127.0.0.1");
	CU_ASSERT_EQUAL(destination->remote_port, 11112);
	CU_ASSERT_EQUAL(
	    conf_table_find(CONF_DESTINATIONS, "RemotePort")->number, 104);
	CU_ASSERT_EQUAL(destination->lanes, 1);
	CU_ASSERT_EQUAL(destination->idle_timeout_s, 30);
	CU_ASSERT_EQUAL(destination->max_pdu_bytes, 131072);
	CU_ASSERT_EQUAL(destination->connect_timeout_s, 10);
	CU_ASSERT_EQUAL(destination->associate_timeout_s, 30);
	CU_ASSERT_EQUAL(destination->dimse_timeout_s, 300);
	CU_ASSERT_EQUAL(destination->retry_min_s, 1);
	CU_ASSERT_EQUAL(destination->retry_max_s, 300);
	CU_ASSERT_EQUAL(destination->max_attempts, 50);
	CU_ASSERT_EQUAL(destination->keep_sent_s, 0);
	CU_ASSERT_EQUAL(destination->keep_failed_s, 0);
	CU_ASSERT_EQUAL(destination->max_queue_bytes, 0);
	CU_ASSERT_EQUAL(destination->status_rules_n, 0);
	CU_ASSERT_FALSE(destination->tls.on);
	conf_free(conf);
}

static const struct test_case cases[] = {
    {"the man page and the table agree", test_man_page},
    {"etc/dcmspool.conf shows each key and its default", test_shown_defaults},
    {"the top level, receiver and log have their defaults", test_top_defaults},
    {"a route has its defaults", test_route_defaults},
    {"a destination has its defaults", test_destination_defaults}, {0}};
TEST_SUITE(conf_table, cases)
