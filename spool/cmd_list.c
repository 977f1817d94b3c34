/*
 * dcmspool list: the items, a line each, in the order of their names, which
 * is the order of arrival. The names of one folder at a time are sorted in
 * memory, some 130 bytes each; --unsorted keeps nothing.
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
#include "cmd.h"
#include "fs.h"

struct listing {
	const struct cmd *cmd;
	bool json, unsorted;
	int64_t now_us;
	uint64_t printed;
	char **names; /* of the folder at hand */
	size_t n, room;
	struct err *err;
};

static int parse(struct listing *listing, int argc, char **argv,
    const char **word, struct err *err);
static int list_destination(struct listing *listing, const char *dest,
    const struct cmd_selection *selection);
static int list_folder(
    struct listing *listing, const char *dest, enum queue_state state);
static int keep_name(void *context, const struct cmd_item *item);
static int compare_names(const void *a, const void *b);
static int print_item(void *context, const struct cmd_item *item);
static int print_json(const struct cmd_item *item, int64_t bytes,
    int64_t arrived_us, struct err *err);
static void print_text(const struct listing *listing,
    const struct cmd_item *item, int64_t bytes, int64_t arrived_us);

int
cmd_list(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct listing listing = {.cmd = cmd, .err = err};
	struct cmd_destination *list = NULL;
	struct cmd_selection selection;
	const char *word = NULL;
	size_t n, i;
	int rc = -1;

	listing.now_us = clock_real_us();
	if (parse(&listing, argc, argv, &word, err) == -1 ||
	    cmd_select(cmd, word, &selection, err) == -1 ||
	    cmd_destinations(cmd, &list, &n, err) == -1)
		goto out;
	for (i = 0; i < n; i++)
		if ((selection.dest[0] == '\0' ||
			strcmp(selection.dest, list[i].name) == 0) &&
		    list_destination(&listing, list[i].name, &selection) == -1)
			goto out;
	rc = listing.printed > 0 ? EX_OK : CMD_NOTHING;
out:
	free(list);
	return rc;
}

static int
parse(struct listing *listing, int argc, char **argv, const char **word,
    struct err *err)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"unsorted", no_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			listing->json = true;
			break;
		case 'u':
			listing->unsorted = true;
			break;
		default:
			return cmd_bad_option(argv, err);
		}
	}
	*word = optind < argc ? argv[optind] : NULL;
	if (optind + 1 < argc)
		return err_set(err, ERR_USAGE, "list: unexpected argument %s",
		    argv[optind + 1]);
	return 0;
}

static int
list_destination(struct listing *listing, const char *dest,
    const struct cmd_selection *selection)
{
	int state;

	for (state = 0; state < QUEUE_STATES; state++)
		if ((!selection->has_state ||
			selection->state == (enum queue_state)state) &&
		    list_folder(listing, dest, (enum queue_state)state) == -1)
			return -1;
	return 0;
}

static int
list_folder(struct listing *listing, const char *dest, enum queue_state state)
{
	struct cmd_item item = {.state = state};
	size_t i;
	int rc;

	if (listing->unsorted)
		return cmd_scan(listing->cmd, dest, state, print_item, listing,
		    listing->err);
	listing->names = NULL;
	listing->n = listing->room = 0;
	rc = cmd_scan(
	    listing->cmd, dest, state, keep_name, listing, listing->err);
	if (listing->n > 0)
		qsort(listing->names, listing->n, sizeof(*listing->names),
		    compare_names);
	(void)snprintf(item.dest, sizeof(item.dest), "%s", dest);
	for (i = 0; i < listing->n; i++) {
		(void)snprintf(
		    item.file, sizeof(item.file), "%s", listing->names[i]);
		if (rc == 0)
			rc = print_item(listing, &item);
		free(listing->names[i]);
	}
	free(listing->names);
	return rc;
}

static int
keep_name(void *context, const struct cmd_item *item)
{
	struct listing *listing = context;
	char **names = listing->names;
	size_t room;

	if (listing->n == listing->room) {
		room = listing->room * 2 + 64;
		names = reallocarray(names, room, sizeof(*names));
		if (names == NULL)
			return err_sys(listing->err,
			    "sort the items in memory (see --unsorted)");
		listing->names = names;
		listing->room = room;
	}
	names[listing->n] = strdup(item->file);
	if (names[listing->n] == NULL)
		return err_sys(
		    listing->err, "sort the items in memory (see --unsorted)");
	listing->n++;
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
print_item(void *context, const struct cmd_item *item)
{
	struct listing *listing = context;
	char path[PATH_SIZE];
	struct item_name name;
	int64_t arrived_us;
	struct stat st;
	int there;

	path_item(path, item->dest, item->state, item->file);
	there = fs_stat(listing->cmd->spool.root_fd, path, &st, listing->err);
	if (there != 1)
		return there;
	if (!S_ISREG(st.st_mode))
		return 0;
	listing->printed++;
	arrived_us = name_parse(item->file, &name)
			 ? name.stamp_us
			 : (int64_t)st.st_mtim.tv_sec * 1000000;
	if (listing->json)
		return print_json(item, st.st_size, arrived_us, listing->err);
	print_text(listing, item, st.st_size, arrived_us);
	return 0;
}

static int
print_json(const struct cmd_item *item, int64_t bytes, int64_t arrived_us,
    struct err *err)
{
	return cmd_json_print(
	    json_pack("{ss, ss, so, sI, so}", "Destination", item->dest,
		"State", queue_state_name(item->state), "Item",
		cmd_json_text(item->file), "Bytes", (json_int_t)bytes,
		"Arrived", cmd_json_time(arrived_us)),
	    err);
}

static void
print_text(const struct listing *listing, const struct cmd_item *item,
    int64_t bytes, int64_t arrived_us)
{
	char age[CMD_AGE_SIZE], iso[CLOCK_ISO_SIZE];

	if (listing->cmd->terminal) {
		cmd_age_format(listing->now_us - arrived_us, age);
		(void)printf("%-12s %-8s %12" PRId64 " %8s  ", item->dest,
		    queue_state_name(item->state), bytes, age);
	} else {
		clock_iso_format(arrived_us, iso);
		(void)printf("%s\t%s\t%" PRId64 "\t%s\t", item->dest,
		    queue_state_name(item->state), bytes, iso);
	}
	cmd_put(stdout, item->file);
	(void)putchar('\n');
}
