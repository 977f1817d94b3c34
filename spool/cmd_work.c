/*
 * Acting on items: which ones, whether it is meant, and what became of it.
 * What is to be done is settled before the first item is touched, so that a
 * folder is never read while its items are moved.
 *
 * Errors: an item that went meanwhile, or whose place is taken, is said on
 * stderr, and the others go on; a temporary error ends it.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd_work.h"

#define LINES_MAX 20 /* on a terminal: one each, or a bar and a sum */

/* 100,000 names take some 15 MB. */
struct chosen {
	char *name; /* DEST/STATE/FILE, sorts by arrival in its folder */
	enum queue_state state;
};

struct choice {
	struct cmd_work *work;
	struct chosen *list;
	size_t n, room;
	struct err *err;
};

enum work_option {
	OPTION_YES = CMD_OPTIONS,
	OPTION_DRY_RUN
};

static int take_option(
    struct cmd_work *work, int option, char **argv, struct err *err);
static int choose(struct choice *choice, char **words, int n);
static int choose_word(struct choice *choice, const char *word);
static void drop_repeated(struct choice *choice);
static int add(void *context, const struct cmd_item *item);
static int compare(const void *a, const void *b);
static int confirm(const struct cmd_work *work, size_t n, struct err *err);
static int act_on_all(struct choice *choice, cmd_act *act);
static int act_on(
    struct choice *choice, const struct chosen *one, cmd_act *act);
static void unpack(const struct chosen *one, struct cmd_item *item);
static void print_done(struct cmd_work *work, const struct cmd_item *item);

int
cmd_work_parse(struct cmd_work *work, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {CMD_FILTER_OPTIONS,
	    {"yes", no_argument, NULL, OPTION_YES},
	    {"dry-run", no_argument, NULL, OPTION_DRY_RUN}, {NULL, 0, NULL, 0}};
	int option;

	work->verb = argv[0];
	while ((option = getopt_long(argc, argv, "0", options, NULL)) != -1)
		if (take_option(work, option, argv, err) == -1)
			return -1;
	return 0;
}

int
cmd_work_run(
    struct cmd_work *work, char **words, int n, cmd_act *act, struct err *err)
{
	struct choice choice = {.work = work, .err = err};
	int rc = -1;

	if (n == 0 && !work->filter.given)
		return err_set(err, ERR_USAGE,
		    "%s: name items, or which ones with --all DEST[/STATE], "
		    "--dest, --state, --source, --study, --older or --status",
		    work->verb);
	if (n == 0 && work->states == 0 && work->filter.states == 0)
		return err_set(err, ERR_USAGE,
		    "%s: say of which state, with --state", work->verb);
	if (work->filter.states != 0 &&
	    (work->filter.states & ~work->not_states) == 0)
		return err_set(err, ERR_USAGE,
		    "%s: there is nothing to %s in that state", work->verb,
		    work->verb);
	if (choose(&choice, words, n) == -1)
		goto out;
	if (n == 0 && choice.n > 0 && !work->yes && !work->dry_run) {
		rc = confirm(work, choice.n, err);
		if (rc == 0)
			rc = CMD_NOTHING;
		else if (rc == 1)
			rc = 0;
		if (rc != 0)
			goto out;
	}
	rc = act_on_all(&choice, act);
	if (rc == 0)
		rc = work->done > 0 && !work->missed ? EX_OK : CMD_NOTHING;
out:
	while (choice.n > 0)
		free(choice.list[--choice.n].name);
	free(choice.list);
	return rc;
}

int
cmd_work_miss(
    struct cmd_work *work, const struct cmd_item *item, const char *text)
{
	cmd_progress_pause(&work->progress);
	(void)fprintf(stderr, "dcmspool: %s/%s/", item->dest,
	    queue_state_name(item->state));
	cmd_put(stderr, item->file);
	(void)fprintf(stderr, ": %s\n", text);
	work->missed = true;
	return 0;
}

static int
take_option(struct cmd_work *work, int option, char **argv, struct err *err)
{
	int taken;

	switch (option) {
	case '0':
		work->null = true;
		return 0;
	case OPTION_YES:
		work->yes = true;
		return 0;
	case OPTION_DRY_RUN:
		work->dry_run = true;
		return 0;
	default:
		break;
	}
	taken =
	    cmd_filter_option(work->cmd, &work->filter, option, optarg, err);
	return taken == 0 ? cmd_bad_option(argv, err) : taken;
}

static int
choose(struct choice *choice, char **words, int n)
{
	struct cmd_work *work = choice->work;
	int i;

	if (n == 0 && cmd_filter_scan(work->cmd, &work->filter, work->states,
			  add, choice, choice->err) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (choose_word(choice, words[i]) == -1)
			return -1;
	if (choice->n > 1)
		qsort(choice->list, choice->n, sizeof(*choice->list), compare);
	drop_repeated(choice);
	return 0;
}

/* One that was named twice. */
static void
drop_repeated(struct choice *choice)
{
	struct chosen *list = choice->list;
	size_t i, kept = 0;

	for (i = 0; i < choice->n; i++)
		if (kept > 0 && compare(&list[i], &list[kept - 1]) == 0)
			free(list[i].name);
		else
			list[kept++] = list[i];
	choice->n = kept;
}

static int
choose_word(struct choice *choice, const char *word)
{
	struct cmd_work *work = choice->work;
	struct cmd_item item;
	int found;

	found = cmd_find(work->cmd, &work->filter, word, &item, choice->err);
	if (found == 0) {
		cmd_put_missing(word);
		work->missed = true;
	}
	return found == 1 ? add(choice, &item) : found;
}

static int
add(void *context, const struct cmd_item *item)
{
	struct choice *choice = context;
	struct chosen *list = choice->list;
	size_t room;

	if (choice->n == choice->room) {
		room = choice->room * 2 + 64;
		list = reallocarray(list, room, sizeof(*list));
		if (list == NULL)
			return err_sys(choice->err, "keep the items' names");
		choice->list = list;
		choice->room = room;
	}
	list[choice->n].state = item->state;
	if (asprintf(&list[choice->n].name, "%s/%s/%s", item->dest,
		queue_state_name(item->state), item->file) == -1)
		return err_sys(choice->err, "keep the items' names");
	choice->n++;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct chosen *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* 1 yes, 0 no, -1 there is nobody to ask. */
static int
confirm(const struct cmd_work *work, size_t n, struct err *err)
{
	char answer[16] = "";

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return err_set(err, ERR_USAGE,
		    "%s: %zu item%s: say --yes, or --dry-run to see what it "
		    "would do",
		    work->verb, n, n == 1 ? "" : "s");
	(void)fprintf(stderr, "%s %zu item%s%s%s? [y/N] ", work->verb, n,
	    n == 1 ? "" : "s", work->filter.dest[0] == '\0' ? "" : " of ",
	    work->filter.dest);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return 0;
	return strncasecmp(answer, "y", 1) == 0;
}

static int
act_on_all(struct choice *choice, cmd_act *act)
{
	struct cmd_work *work = choice->work;
	struct cmd_item item;
	bool lines;
	size_t i;
	int rc = 0;

	lines = !work->cmd->terminal || choice->n <= LINES_MAX || work->dry_run;
	cmd_progress_begin(&work->progress, work->verb, choice->n);
	for (i = 0; i < choice->n && rc != -1; i++) {
		rc = act_on(choice, &choice->list[i], act);
		cmd_progress_add(&work->progress, 1);
		if (rc != 1)
			continue;
		work->done++;
		unpack(&choice->list[i], &item);
		if (lines)
			print_done(work, &item);
	}
	cmd_progress_end(&work->progress);
	if (!lines)
		(void)printf("%s: %" PRIu64 " items\n", work->verb, work->done);
	return rc == -1 ? -1 : 0;
}

static int
act_on(struct choice *choice, const struct chosen *one, cmd_act *act)
{
	struct cmd_work *work = choice->work;
	struct err *err = choice->err;
	bool sender_runs = false;
	char text[64], label[LABEL_SIZE];
	struct cmd_item item;
	int rc;

	unpack(one, &item);
	if ((work->not_states & CMD_STATE_BIT(item.state)) != 0) {
		(void)snprintf(text, sizeof(text),
		    "is in %s/: there is nothing to %s",
		    queue_state_name(item.state), work->verb);
		return cmd_work_miss(work, &item, text);
	}
	if (item.state == QUEUE_ACTIVE && !work->takes_active) {
		if (cmd_sender_runs(work->cmd, &sender_runs, err) == -1)
			return -1;
		if (sender_runs)
			return cmd_work_miss(work, &item,
			    "is being sent at this moment; nothing is done");
	}
	if (work->dry_run)
		return 1;
	work->renamed[0] = '\0';
	label_item(
	    work->cmd->spool.root_fd, item.dest, item.state, item.file, label);
	rc = act(work, &item, err);
	if (rc == 1)
		cmd_audit_verb(work->cmd, work->verb, &item, label,
		    work->target == NULL ? work->renamed : work->target);
	if (rc == -1 && err->class != ERR_TEMPORARY && err->class != ERR_BUG &&
	    err->class != ERR_USAGE)
		return cmd_work_miss(work, &item, err->text);
	return rc;
}

static void
unpack(const struct chosen *one, struct cmd_item *item)
{
	const char *slash = strchr(one->name, '/');

	item->state = one->state;
	(void)snprintf(item->dest, sizeof(item->dest), "%.*s",
	    (int)(slash - one->name), one->name);
	(void)snprintf(
	    item->file, sizeof(item->file), "%s", strchr(slash + 1, '/') + 1);
}

static void
print_done(struct cmd_work *work, const struct cmd_item *item)
{
	cmd_progress_pause(&work->progress);
	if (!work->null)
		(void)printf("%s%s%c", work->dry_run ? "would " : "",
		    work->verb, cmd_separator(work->cmd));
	cmd_put_item(stdout, item, work->null);
}
