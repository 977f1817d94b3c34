/*
 * dcmspool list: the items, a line each, of each folder in the order of their
 * names, which is the order of arrival; --unsorted as the folder has them.
 *
 * Errors: as fs.c. An item that goes while it is listed is left out.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd_filter.h"
#include "cmd_progress.h"
#include "result.h"

#define INDENT 4 /* of what is said below an item */

struct listing {
	const struct cmd *cmd;
	struct cmd_filter filter;
	bool json, unsorted, null, full;
	int64_t now_us;
	int width; /* of the longest name of a destination, on a terminal */
	uint64_t printed;
	struct cmd_progress progress;
	struct err *err;
};

static int parse(
    struct listing *listing, int argc, char **argv, struct err *err);
static int take_word(
    struct listing *listing, const char *word, struct err *err);
static bool is_meant(const struct listing *listing, const char *dest);
static int list_destination(struct listing *listing, const char *dest);
static int list_folder(
    struct listing *listing, const char *dest, enum queue_state state);
static int print_item(void *context, const struct cmd_item *item);
static int print_json(const struct cmd_item *item, int64_t bytes,
    int64_t arrived_us, const struct result *r, struct err *err);
static void print_record(const struct result *r);
static void print_words(const struct listing *listing, const struct result *r);
static void print_text(const struct listing *listing,
    const struct cmd_item *item, int64_t bytes, int64_t arrived_us);

int
cmd_list(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct listing listing = {.cmd = cmd, .err = err};
	struct cmd_destination *list = NULL;
	size_t n, i;
	int rc = -1;

	listing.now_us = clock_real_us();
	if (parse(&listing, argc, argv, err) == -1 ||
	    cmd_destinations(cmd, &list, &n, err) == -1)
		goto out;
	cmd_progress_begin(&listing.progress, "looking at", 0);
	listing.width = (int)strlen("DESTINATION");
	for (i = 0; i < n; i++)
		if (is_meant(&listing, list[i].name) &&
		    (int)strlen(list[i].name) > listing.width)
			listing.width = (int)strlen(list[i].name);
	for (i = 0; i < n; i++)
		if (is_meant(&listing, list[i].name) &&
		    list_destination(&listing, list[i].name) == -1)
			goto out;
	rc = listing.printed > 0 ? EX_OK : CMD_NOTHING;
out:
	cmd_progress_end(&listing.progress);
	if (rc == CMD_NOTHING && listing.filter.part != NULL)
		cmd_put_missing(listing.filter.part);
	free(list);
	return rc;
}

static int
parse(struct listing *listing, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {CMD_FILTER_OPTIONS,
	    {"json", no_argument, NULL, 'j'},
	    {"unsorted", no_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
	int option, taken;

	while ((option = getopt_long(argc, argv, "0l", options, NULL)) != -1) {
		switch (option) {
		case '0':
			listing->null = true;
			break;
		case 'l':
			listing->full = true;
			break;
		case 'j':
			listing->json = true;
			break;
		case 'u':
			listing->unsorted = true;
			break;
		default:
			taken = cmd_filter_option(listing->cmd,
			    &listing->filter, option, optarg, err);
			if (taken != 1)
				return taken == 0 ? cmd_bad_option(argv, err)
						  : -1;
		}
	}
	if (optind + 1 < argc)
		return err_set(err, ERR_USAGE, "list: unexpected argument %s",
		    argv[optind + 1]);
	return optind == argc ? 0 : take_word(listing, argv[optind], err);
}

/* A destination, one of its states, or what may be an item's name. */
static int
take_word(struct listing *listing, const char *word, struct err *err)
{
	struct cmd_selection selection;
	const char *part;

	if (cmd_select_part(listing->cmd, word, &selection, &part, err) == -1)
		return -1;
	if (*part == '\0' || strchr(part, '/') != NULL)
		return cmd_filter_select(
		    listing->cmd, &listing->filter, word, err);
	listing->filter.part = part;
	return selection.dest[0] == '\0'
		   ? 0
		   : cmd_filter_add(&listing->filter, &selection, err);
}

static bool
is_meant(const struct listing *listing, const char *dest)
{
	return listing->filter.dest[0] == '\0' ||
	       strcmp(listing->filter.dest, dest) == 0;
}

static int
list_destination(struct listing *listing, const char *dest)
{
	unsigned states = listing->filter.states;
	int state;

	for (state = 0; state < QUEUE_STATES; state++)
		if ((states == 0 || (states & CMD_STATE_BIT(state)) != 0) &&
		    list_folder(listing, dest, (enum queue_state)state) == -1)
			return -1;
	return 0;
}

static int
list_folder(struct listing *listing, const char *dest, enum queue_state state)
{
	return listing->unsorted ? cmd_scan(listing->cmd, dest, state,
				       print_item, listing, listing->err)
				 : cmd_scan_sorted(listing->cmd, dest, state,
				       print_item, listing, listing->err);
}

static int
print_item(void *context, const struct cmd_item *item)
{
	struct listing *listing = context;
	int64_t arrived_us, bytes;
	struct result result;
	bool has_record = false;
	int there;

	there =
	    cmd_arrival(listing->cmd, item, &arrived_us, &bytes, listing->err);
	if (there == 1)
		there = cmd_filter_matches(
		    listing->cmd, &listing->filter, item, listing->err);
	cmd_progress_add(&listing->progress, 1);
	if (there != 1)
		return there;
	cmd_progress_pause(&listing->progress);
	if (listing->printed++ == 0 && listing->cmd->terminal &&
	    !listing->json && !listing->null)
		(void)printf("%-*s  %-8s %12s %8s  %s\n", listing->width,
		    "DESTINATION", "STATE", "BYTES", "AGE", "ITEM");
	if (listing->null) {
		cmd_put_item(stdout, item, true);
		return 0;
	}
	if (listing->full)
		has_record = result_read_record(listing->cmd->spool.root_fd,
				 item->dest, item->file, &result, NULL) == 1;
	if (listing->json)
		return print_json(item, bytes, arrived_us,
		    has_record ? &result : NULL, listing->err);
	print_text(listing, item, bytes, arrived_us);
	if (listing->full && !listing->cmd->terminal)
		print_record(has_record ? &result : NULL);
	(void)putchar('\n');
	if (has_record && listing->cmd->terminal)
		print_words(listing, &result);
	return 0;
}

static int
print_json(const struct cmd_item *item, int64_t bytes, int64_t arrived_us,
    const struct result *r, struct err *err)
{
	char status[CMD_STATUS_SIZE];
	json_t *object;

	object = json_pack("{ss, ss, so, sI, so}", "Destination", item->dest,
	    "State", queue_state_name(item->state), "Item",
	    cmd_json_text(item->file), "Bytes", (json_int_t)bytes, "Arrived",
	    cmd_json_time(arrived_us));
	if (r != NULL && object != NULL) {
		cmd_status_format(r->status, status);
		(void)json_object_set_new(
		    object, "Status", json_string(status));
		(void)json_object_set_new(
		    object, "Attempts", json_integer((json_int_t)r->attempts));
		(void)json_object_set_new(
		    object, "Next-Attempt", cmd_json_time(r->next_us));
		(void)json_object_set_new(
		    object, "Reason", cmd_json_text(r->reason));
	}
	return cmd_json_print(object, err);
}

static void
print_text(const struct listing *listing, const struct cmd_item *item,
    int64_t bytes, int64_t arrived_us)
{
	char age[CMD_AGE_SIZE], iso[CLOCK_ISO_SIZE];

	if (listing->cmd->terminal) {
		cmd_age_format(listing->now_us - arrived_us, age);
		(void)printf("%-*s  %-8s %12" PRId64 " %8s  ", listing->width,
		    item->dest, queue_state_name(item->state), bytes, age);
	} else {
		clock_iso_format(arrived_us, iso);
		(void)printf("%s\t%s\t%" PRId64 "\t%s\t", item->dest,
		    queue_state_name(item->state), bytes, iso);
	}
	cmd_put(stdout, item->file);
}

/* Behind the name: status, attempts, next attempt, reason. */
static void
print_record(const struct result *r)
{
	char status[CMD_STATUS_SIZE] = "-", iso[CLOCK_ISO_SIZE] = "-";

	if (r != NULL)
		cmd_status_format(r->status, status);
	if (r != NULL && r->next_us != 0)
		clock_iso_format(r->next_us, iso);
	(void)printf(
	    "\t%s\t%u\t%s\t", status, r == NULL ? 0 : r->attempts, iso);
	cmd_put(stdout, r == NULL || r->reason[0] == '\0' ? "-" : r->reason);
}

/* The same for a terminal, below it. */
static void
print_words(const struct listing *listing, const struct result *r)
{
	char status[CMD_STATUS_SIZE], age[CMD_AGE_SIZE] = "";
	char text[RESULT_REASON_SIZE + 256];

	cmd_status_format(r->status, status);
	if (r->next_us > listing->now_us)
		cmd_age_format(r->next_us - listing->now_us, age);
	(void)snprintf(text, sizeof(text), "%s after %u attempt%s: %s%s%s",
	    status, r->attempts, r->attempts == 1 ? "" : "s",
	    r->reason[0] == '\0' ? cmd_status_words(r->status) : r->reason,
	    age[0] == '\0' ? "" : ", next in ", age);
	(void)printf("%*s", INDENT, "");
	cmd_put_wrapped(INDENT, INDENT, text);
}
