/*
 * dcmspool trace: the life of one instance, from log lines (of the daemons'
 * logs or any file of that format, rotated and compressed ones too) and from
 * where it is now. A line belongs to it that names its UID, an item of that
 * UID, or the association that such an item came by.
 *
 * Errors: as cmd_trace_read.c; a file that cannot be read ends it.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd_filter.h"
#include "cmd_trace.h"
#include "fs.h"
#include "result.h"

#define OPEN_MAX 1024 /* associations of which the beginning is kept */

struct kept {
	int64_t real_us;
	size_t serial; /* as they were read */
	char *text;
};

/* The line that an association began with, until something came by it. */
struct opened {
	char association[PATH_ASSOCIATION_SIZE];
	struct kept line;
};

struct trace {
	const struct cmd *cmd;
	char uid[NAME_UID_SIZE];
	bool json;
	struct kept *lines;
	size_t n, room, serial;
	struct opened opened[OPEN_MAX];
	size_t opened_at;
	char (*ours)[PATH_ASSOCIATION_SIZE]; /* associations it came by */
	size_t ours_n;
	uint64_t found;
	struct err *err;
};

static int find_uid(const struct cmd *cmd, const char *word,
    char uid[NAME_UID_SIZE], struct err *err);
static int trace_all(struct trace *trace, char **files, int n);
static int trace_ledger(struct trace *trace);
static int take_line(void *context, const struct trace_line *line);
static bool names_uid(const struct trace *trace, const char *text);
static bool is_ours(const struct trace *trace, const char *association);
static int add_association(struct trace *trace, const char *association);
static void remember_opening(struct trace *trace, const char *association,
    const struct trace_line *line);
static int keep(
    struct trace *trace, int64_t real_us, size_t serial, const char *text);
static int compare(const void *a, const void *b);
static int print_lines(struct trace *trace);
static int print_line_json(const struct trace *trace, const struct kept *line);
static int print_item(void *context, const struct cmd_item *item);

int
cmd_trace(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct trace *trace;
	int option, rc;

	trace = calloc(1, sizeof(*trace));
	if (trace == NULL)
		return err_sys(err, "trace");
	trace->cmd = cmd;
	trace->err = err;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j') {
			free(trace);
			return cmd_bad_option(argv, err);
		}
		trace->json = true;
	}
	rc = optind == argc ? err_set(err, ERR_USAGE,
				  "trace: a SOP Instance UID or an item, and "
				  "log files if others than the ledger")
			    : find_uid(cmd, argv[optind], trace->uid, err);
	if (rc == 1)
		rc = trace_all(trace, argv + optind + 1, argc - optind - 1);
	else if (rc == 0)
		cmd_put_missing(argv[optind]);
	if (rc == 0)
		rc = trace->found > 0 ? EX_OK : CMD_NOTHING;
	while (trace->n > 0)
		free(trace->lines[--trace->n].text);
	free(trace->lines);
	for (option = 0; option < OPEN_MAX; option++)
		free(trace->opened[option].line.text);
	free(trace->ours);
	free(trace);
	return rc;
}

/* An item's name tells it, and is good when the item is gone. 1; 0 there is
 * none; -1 */
static int
find_uid(const struct cmd *cmd, const char *word, char uid[NAME_UID_SIZE],
    struct err *err)
{
	const char *base = strrchr(word, '/');
	struct item_name name;
	struct cmd_item item;
	int found = 1;

	if (name_uid_valid(word)) {
		(void)strcpy(uid, word);
		return 1;
	}
	if (!name_parse(base == NULL ? word : base + 1, &name)) {
		found = cmd_find(cmd, NULL, word, &item, err);
		if (found == 1 && !name_parse(item.file, &name))
			return err_set(err, ERR_USAGE,
			    "trace: the name of %s does not tell its SOP "
			    "Instance UID, show does",
			    item.file);
	}
	if (found == 1)
		(void)memcpy(uid, name.uid, NAME_UID_SIZE);
	return found;
}

static int
trace_all(struct trace *trace, char **files, int n)
{
	const struct cmd_filter filter = {.given = false};
	int i, rc = 0;

	cmd_user_leave(trace->cmd);
	for (i = 0; i < n && rc == 0; i++)
		rc = trace_read(files[i], take_line, trace, trace->err);
	if (n == 0 && trace->cmd->conf->ledger[0] == '\0')
		(void)fprintf(stderr,
		    "dcmspool: no ledger is kept: log.Ledger says where one "
		    "would be, see dcmspool.conf(5)\n");
	else if (n == 0)
		rc = trace_ledger(trace);
	cmd_user_enter(trace->cmd);
	if (rc != 0)
		return -1;
	if (trace->n > 1)
		qsort(trace->lines, trace->n, sizeof(*trace->lines), compare);
	if (print_lines(trace) == -1)
		return -1;
	return cmd_filter_scan(
	    trace->cmd, &filter, CMD_STATES_ALL, print_item, trace, trace->err);
}

/* It, and what was rotated of it. */
static int
trace_ledger(struct trace *trace)
{
	static const char *const endings[] = {"", ".[0-9]*", "-[0-9]*"};
	const char *ledger = trace->cmd->conf->ledger;
	char pattern[PATH_SIZE + 8];
	size_t i, n = 0;
	glob_t found;
	int rc = 0;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		(void)snprintf(
		    pattern, sizeof(pattern), "%s%s", ledger, endings[i]);
		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		for (n = 0; n < found.gl_pathc && rc == 0; n++)
			rc = trace_read(
			    found.gl_pathv[n], take_line, trace, trace->err);
		globfree(&found);
	}
	return rc;
}

static int
take_line(void *context, const struct trace_line *line)
{
	char association[PATH_ASSOCIATION_SIZE], event[32];
	struct trace *trace = context;
	bool has_association;

	trace->serial++;
	has_association = trace_value(
	    line->text, "association", association, sizeof(association));
	if (names_uid(trace, line->text)) {
		if (has_association && !is_ours(trace, association) &&
		    add_association(trace, association) == -1)
			return -1;
		return keep(trace, line->real_us, trace->serial, line->text);
	}
	if (!has_association || !trace_event(line->text, event, sizeof(event)))
		return 0;
	if (strcmp(event, "associated") == 0)
		remember_opening(trace, association, line);
	if (strcmp(event, "ended") == 0 && is_ours(trace, association))
		return keep(trace, line->real_us, trace->serial, line->text);
	return 0;
}

/* As a whole UID: another one may begin or end with it. */
static bool
names_uid(const struct trace *trace, const char *text)
{
	size_t size = strlen(trace->uid);
	const char *at = text;

	while ((at = strstr(at, trace->uid)) != NULL) {
		if ((at == text || strchr("0123456789.", at[-1]) == NULL) &&
		    (at[size] == '\0' ||
			strchr("0123456789.", at[size]) == NULL ||
			strncmp(at + size, ".dcm", 4) == 0))
			return true;
		at++;
	}
	return false;
}

static bool
is_ours(const struct trace *trace, const char *association)
{
	size_t i;

	for (i = 0; i < trace->ours_n; i++)
		if (strcmp(trace->ours[i], association) == 0)
			return true;
	return false;
}

/* Its beginning was read before, and belongs to it, too. */
static int
add_association(struct trace *trace, const char *association)
{
	char(*grown)[PATH_ASSOCIATION_SIZE];
	const struct opened *o;
	size_t i;

	grown =
	    reallocarray(trace->ours, trace->ours_n + 1, sizeof(*trace->ours));
	if (grown == NULL)
		return err_sys(trace->err, "trace");
	trace->ours = grown;
	(void)snprintf(
	    grown[trace->ours_n++], sizeof(*grown), "%s", association);
	for (i = 0; i < OPEN_MAX; i++) {
		o = &trace->opened[i];
		if (o->line.text != NULL &&
		    strcmp(o->association, association) == 0)
			return keep(trace, o->line.real_us, o->line.serial,
			    o->line.text);
	}
	return 0;
}

static void
remember_opening(
    struct trace *trace, const char *association, const struct trace_line *line)
{
	struct opened *o = &trace->opened[trace->opened_at++ % OPEN_MAX];

	free(o->line.text);
	(void)snprintf(
	    o->association, sizeof(o->association), "%s", association);
	o->line.real_us = line->real_us;
	o->line.serial = trace->serial;
	o->line.text = strdup(line->text);
}

static int
keep(struct trace *trace, int64_t real_us, size_t serial, const char *text)
{
	struct kept *lines = trace->lines;

	if (trace->n == trace->room) {
		trace->room = trace->room * 2 + 16;
		lines = reallocarray(lines, trace->room, sizeof(*lines));
		if (lines == NULL)
			return err_sys(trace->err, "trace");
		trace->lines = lines;
	}
	lines[trace->n] = (struct kept){
	    .real_us = real_us, .serial = serial, .text = strdup(text)};
	if (lines[trace->n].text == NULL)
		return err_sys(trace->err, "trace");
	trace->n++;
	return 0;
}

/* By time; those that do not say it stay where they were read. */
static int
compare(const void *a, const void *b)
{
	const struct kept *left = a, *right = b;

	if (left->real_us != 0 && right->real_us != 0 &&
	    left->real_us != right->real_us)
		return left->real_us < right->real_us ? -1 : 1;
	return left->serial < right->serial ? -1 : left->serial > right->serial;
}

static int
print_lines(struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->n; i++) {
		trace->found++;
		if (trace->json) {
			if (print_line_json(trace, &trace->lines[i]) == -1)
				return -1;
			continue;
		}
		cmd_put(stdout, trace->lines[i].text);
		(void)putchar('\n');
	}
	return 0;
}

static int
print_line_json(const struct trace *trace, const struct kept *line)
{
	static const char *const keys[] = {"association", "item", "uid",
	    "destination", "status", "reason", "error", "how", "why",
	    "attempts", "bytes", "ms", "peer", "calling", "called", "by",
	    "with", "state", "action", "target", "message", "destinations"};
	char value[TRACE_LINE_SIZE];
	json_t *object = json_object();
	size_t i;

	(void)json_object_set_new(object, "Time", cmd_json_time(line->real_us));
	if (trace_event(line->text, value, sizeof(value)))
		(void)json_object_set_new(
		    object, "Event", cmd_json_text(value));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (trace_value(line->text, keys[i], value, sizeof(value)))
			(void)json_object_set_new(
			    object, keys[i], cmd_json_text(value));
	(void)json_object_set_new(object, "Line", cmd_json_text(line->text));
	return cmd_json_print(object, trace->err);
}

/* Where it is now. */
static int
print_item(void *context, const struct cmd_item *item)
{
	struct trace *trace = context;
	char status[16] = "-", iso[CLOCK_ISO_SIZE];
	struct item_name name;
	struct result r;
	bool has_record;

	if (!name_parse(item->file, &name) || strcmp(name.uid, trace->uid) != 0)
		return 0;
	trace->found++;
	has_record = result_read_record(trace->cmd->spool.root_fd, item->dest,
			 item->file, &r, NULL) == 1;
	if (has_record && r.status != RESULT_NO_STATUS)
		(void)snprintf(
		    status, sizeof(status), "0x%04X", (unsigned)r.status);
	if (trace->json)
		return cmd_json_print(
		    json_pack("{so, ss, ss, ss, so, ss, si}", "Time",
			cmd_json_time(clock_real_us()), "Event", "now-in",
			"destination", item->dest, "state",
			queue_state_name(item->state), "item",
			cmd_json_text(item->file), "status", status, "attempts",
			has_record ? (int)r.attempts : 0),
		    trace->err);
	clock_iso_format(clock_real_us(), iso);
	(void)printf("%s now-in destination=%s state=%s item=%s status=%s "
		     "attempts=%u\n",
	    iso, item->dest, queue_state_name(item->state), item->file, status,
	    has_record ? r.attempts : 0);
	return 0;
}
