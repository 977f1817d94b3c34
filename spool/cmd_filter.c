/*
 * Filters: parsed, and asked of one item, the cheap ones first.
 *
 * Errors: ERR_USAGE for a value that cannot be; an item that is gone, or of
 * which that cannot be told, does not match.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cmd_filter.h"
#include "cmd_progress.h"
#include "fs.h"
#include "item.h"
#include "result.h"

#define STUDY_LOOK_BYTES (64 * 1024)

struct filtered {
	const struct cmd *cmd;
	const struct cmd_filter *filter;
	cmd_visit *visit;
	void *context;
	struct cmd_progress progress;
	struct err *err;
};

static int once(bool given, const char *option, struct err *err);
static int add_states(
    struct cmd_filter *filter, unsigned states, struct err *err);
static int take_states(
    struct cmd_filter *filter, const char *value, struct err *err);
static int take_older(
    struct cmd_filter *filter, const char *value, struct err *err);
static int take_status(
    struct cmd_filter *filter, const char *value, struct err *err);
static int visit_matching(void *context, const struct cmd_item *item);
static int matches_record(const struct cmd *cmd,
    const struct cmd_filter *filter, const struct cmd_item *item);
static int matches_file(const struct cmd *cmd, const struct cmd_filter *filter,
    const struct cmd_item *item, struct err *err);
static bool is_source(const struct part10 *part10, const char *wanted);
static bool is_study(const struct item_reader *reader, const char *wanted);

int
cmd_filter_option(const struct cmd *cmd, struct cmd_filter *filter, int option,
    const char *value, struct err *err)
{
	int rc = 0;

	switch (option) {
	case CMD_OPTION_DEST:
		rc = cmd_filter_select(cmd, filter, value, err);
		break;
	case CMD_OPTION_STATE:
		rc = take_states(filter, value, err);
		break;
	case CMD_OPTION_SOURCE:
		rc = once(filter->source != NULL, "--source", err);
		filter->source = value;
		break;
	case CMD_OPTION_STUDY:
		rc = once(filter->study != NULL, "--study", err);
		if (rc == 0 && !name_uid_valid(value))
			rc = err_set(err, ERR_USAGE,
			    "--study %s: no Study Instance UID", value);
		filter->study = value;
		break;
	case CMD_OPTION_OLDER:
		rc = take_older(filter, value, err);
		break;
	case CMD_OPTION_STATUS:
		rc = take_status(filter, value, err);
		break;
	default:
		return 0;
	}
	filter->given = true;
	return rc == -1 ? -1 : 1;
}

int
cmd_filter_select(const struct cmd *cmd, struct cmd_filter *filter,
    const char *word, struct err *err)
{
	struct cmd_selection selection;

	if (cmd_select(cmd, word, &selection, err) == -1)
		return -1;
	return cmd_filter_add(filter, &selection, err);
}

int
cmd_filter_add(struct cmd_filter *filter, const struct cmd_selection *selection,
    struct err *err)
{
	if (filter->dest[0] != '\0' &&
	    strcmp(filter->dest, selection->dest) != 0)
		return err_set(err, ERR_USAGE,
		    "%s and %s: name one destination", filter->dest,
		    selection->dest);
	(void)strcpy(filter->dest, selection->dest);
	filter->given = true;
	return selection->has_state
		   ? add_states(filter, CMD_STATE_BIT(selection->state), err)
		   : 0;
}

int
cmd_filter_matches(const struct cmd *cmd, const struct cmd_filter *filter,
    const struct cmd_item *item, struct err *err)
{
	int64_t arrived_us, bytes;
	int there;

	if (filter == NULL)
		return 1;
	if (filter->dest[0] != '\0' && strcmp(filter->dest, item->dest) != 0)
		return 0;
	if (filter->part != NULL && strstr(item->file, filter->part) == NULL)
		return 0;
	if (filter->states != 0 &&
	    (filter->states & CMD_STATE_BIT(item->state)) == 0)
		return 0;
	if (filter->has_older) {
		there = cmd_arrival(cmd, item, &arrived_us, &bytes, err);
		if (there != 1 || arrived_us > filter->before_us)
			return there == -1 ? -1 : 0;
	}
	if (filter->has_status && !matches_record(cmd, filter, item))
		return 0;
	if (filter->source == NULL && filter->study == NULL)
		return 1;
	return matches_file(cmd, filter, item, err);
}

int
cmd_filter_scan(const struct cmd *cmd, const struct cmd_filter *filter,
    unsigned states, cmd_visit *visit, void *context, struct err *err)
{
	struct filtered filtered = {.cmd = cmd,
	    .filter = filter,
	    .visit = visit,
	    .context = context,
	    .err = err};
	int (*scan)(const struct cmd *, const char *, enum queue_state,
	    cmd_visit *, void *, struct err *) =
	    filter->sorted ? cmd_scan_sorted : cmd_scan;
	struct cmd_destination *list = NULL;
	size_t n = 0, i;
	int state, rc;

	if (filter->states != 0)
		states = filter->states;
	cmd_progress_begin(&filtered.progress, "looking at", 0);
	rc = cmd_destinations(cmd, &list, &n, err);
	for (i = 0; i < n && rc == 0; i++) {
		if (filter->dest[0] != '\0' &&
		    strcmp(filter->dest, list[i].name) != 0)
			continue;
		for (state = 0; state < QUEUE_STATES && rc == 0; state++)
			if ((states & CMD_STATE_BIT(state)) != 0)
				rc = scan(cmd, list[i].name,
				    (enum queue_state)state, visit_matching,
				    &filtered, err);
	}
	cmd_progress_end(&filtered.progress);
	free(list);
	return rc;
}

int
cmd_seconds_parse(const char *text, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t size_s;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400},
	    {'w', 604800}};
	long long n;
	size_t i;
	char *end;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || n < 0 ||
	    (end[0] != '\0' && end[1] != '\0'))
		return -1;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].unit && n <= INT32_MAX / units[i].size_s) {
			*seconds = n * units[i].size_s;
			return 0;
		}
	return -1;
}

/* Two of them would not narrow each other as others do. */
static int
once(bool given, const char *option, struct err *err)
{
	return given ? err_set(err, ERR_USAGE, "%s: name it once", option) : 0;
}

static int
add_states(struct cmd_filter *filter, unsigned states, struct err *err)
{
	if (filter->states != 0 && filter->states != states)
		return err_set(err, ERR_USAGE,
		    "--state: name the states once, with commas between");
	filter->states = states;
	return 0;
}

/* One, or several with commas between. */
static int
take_states(struct cmd_filter *filter, const char *value, struct err *err)
{
	enum queue_state state;
	unsigned states = 0;
	char word[16];
	size_t size;

	for (;; value += size + 1) {
		size = strcspn(value, ",");
		(void)snprintf(word, sizeof(word), "%.*s",
		    size < sizeof(word) ? (int)size : 0, value);
		if (!queue_state_parse(word, &state))
			return err_set(err, ERR_USAGE,
			    "--state %.*s: write new, active, deferred, hold, "
			    "failed, sent or corrupt",
			    (int)size, value);
		states |= CMD_STATE_BIT(state);
		if (value[size] == '\0')
			return add_states(filter, states, err);
	}
}

static int
take_older(struct cmd_filter *filter, const char *value, struct err *err)
{
	int64_t seconds;

	if (once(filter->has_older, "--older", err) == -1)
		return -1;
	if (cmd_seconds_parse(value, &seconds) == -1)
		return err_set(err, ERR_USAGE,
		    "--older %s: write a time such as 90s, 5m, 1h or 2d",
		    value);
	filter->has_older = true;
	filter->before_us = clock_real_us() - seconds * 1000000;
	return 0;
}

/* "0xA900", "0xA9xx", "none" */
static int
take_status(struct cmd_filter *filter, const char *value, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = value;
	const char *digit;
	int i;

	if (once(filter->has_status, "--status", err) == -1)
		return -1;
	filter->has_status = true;
	filter->status = filter->status_mask = 0;
	if (strcmp(value, "none") == 0) {
		filter->status = RESULT_NO_STATUS;
		filter->status_mask = -1;
		return 0;
	}
	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	for (i = 0; i < 4 && at[i] != '\0'; i++) {
		digit = strchr(digits, at[i] | 0x20);
		filter->status <<= 4;
		filter->status_mask <<= 4;
		if (digit != NULL) {
			filter->status |= (int)(digit - digits);
			filter->status_mask |= 0xF;
		} else if ((at[i] | 0x20) != 'x')
			break;
	}
	if (i == 4 && at[4] == '\0')
		return 0;
	return err_set(err, ERR_USAGE,
	    "--status %s: write 0xA900, 0xA9xx for a class of them, or none",
	    value);
}

static int
visit_matching(void *context, const struct cmd_item *item)
{
	struct filtered *f = context;
	int matches;

	cmd_progress_add(&f->progress, 1);
	matches = cmd_filter_matches(f->cmd, f->filter, item, f->err);
	if (matches != 1)
		return matches;
	cmd_progress_pause(&f->progress);
	return f->visit(f->context, item);
}

static int
matches_record(const struct cmd *cmd, const struct cmd_filter *filter,
    const struct cmd_item *item)
{
	struct result result;

	if (result_read_record(
		cmd->spool.root_fd, item->dest, item->file, &result, NULL) != 1)
		return 0;
	if ((result.status == RESULT_NO_STATUS) !=
	    (filter->status == RESULT_NO_STATUS))
		return 0;
	return (result.status & filter->status_mask) == filter->status;
}

static int
matches_file(const struct cmd *cmd, const struct cmd_filter *filter,
    const struct cmd_item *item, struct err *err)
{
	struct item_reader reader;
	char path[PATH_SIZE];
	bool matches;
	int rc;

	(void)err;
	path_item(path, item->dest, item->state, item->file);
	rc = item_reader_open(&cmd->spool, path, &reader, NULL);
	matches =
	    filter->source == NULL || is_source(&reader.part10, filter->source);
	if (filter->study != NULL)
		matches =
		    matches && rc == 0 && is_study(&reader, filter->study);
	if (rc == 0)
		item_reader_close(&reader);
	return matches;
}

static bool
is_source(const struct part10 *part10, const char *wanted)
{
	const struct envelope *e = &part10->envelope;

	if (!part10->has_envelope)
		return part10->calling_aet[0] != '\0' &&
		       fnmatch(wanted, part10->calling_aet, 0) == 0;
	return fnmatch(wanted, e->calling_aet, 0) == 0 ||
	       fnmatch(wanted, e->peer_address, 0) == 0;
}

static bool
is_study(const struct item_reader *reader, const char *wanted)
{
	char study[NAME_UID_SIZE];
	bool matches = false;
	uint8_t *data;
	ssize_t got;

	data = malloc(STUDY_LOOK_BYTES);
	if (data == NULL)
		return false;
	got = fs_pread(reader->fd, data, STUDY_LOOK_BYTES,
	    (off_t)reader->part10.data_set_offset, "an item", NULL);
	if (got > 0 && cmd_study_find(data, (size_t)got,
			   reader->part10.transfer_syntax, study))
		matches = strcmp(study, wanted) == 0;
	free(data);
	return matches;
}
