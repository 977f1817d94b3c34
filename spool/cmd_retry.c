/*
 * dcmspool retry: back into new/, by rename. A deferred item keeps its record,
 * and is due. One that was given up begins anew: its record goes first, but
 * for what an earlier try has proved (AnswerLost).
 *
 * Errors: as fs.c; where the name is taken in new/ the item stays where it is.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd.h"
#include "fs.h"
#include "result.h"

struct retry {
	const struct cmd *cmd;
	const char *all; /* DEST[/STATE] of --all, or NULL */
	bool yes, dry_run;
	uint64_t count;
	bool missed; /* something was not there, or not to be retried */
	struct err *err;
};

static int parse(struct retry *retry, int argc, char **argv, struct err *err);
static int retry_word(struct retry *retry, const char *word);
static int retry_all(struct retry *retry);
static int for_all(struct retry *retry, const struct cmd_selection *selection,
    cmd_visit *visit);
static int confirm(struct retry *retry, const struct cmd_selection *selection);
static int count_one(void *context, const struct cmd_item *item);
static int retry_one(void *context, const struct cmd_item *item);
static int renew_record(struct retry *retry, const struct cmd_item *item);

int
cmd_retry(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct retry retry = {.cmd = cmd, .err = err};
	int i;

	if (parse(&retry, argc, argv, err) == -1)
		return -1;
	if (retry.all != NULL) {
		if (retry_all(&retry) == -1)
			return -1;
	} else {
		for (i = optind; i < argc; i++)
			if (retry_word(&retry, argv[i]) == -1)
				return -1;
	}
	return retry.count > 0 && !retry.missed ? EX_OK : CMD_NOTHING;
}

static int
parse(struct retry *retry, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
	    {"all", required_argument, NULL, 'a'},
	    {"yes", no_argument, NULL, 'y'},
	    {"dry-run", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			retry->all = optarg;
			break;
		case 'y':
			retry->yes = true;
			break;
		case 'n':
			retry->dry_run = true;
			break;
		default:
			return cmd_bad_option(argv, err);
		}
	}
	if ((retry->all == NULL) == (optind == argc))
		return err_set(
		    err, ERR_USAGE, "retry: name items, or --all DEST[/STATE]");
	return 0;
}

static int
retry_word(struct retry *retry, const char *word)
{
	struct cmd_item item;
	int found;

	found = cmd_find(retry->cmd, word, &item, retry->err);
	if (found == -1)
		return -1;
	if (found == 0) {
		(void)fprintf(stderr, "dcmspool: no item %s\n", word);
		retry->missed = true;
		return 0;
	}
	if (item.state == QUEUE_NEW || item.state == QUEUE_ACTIVE) {
		(void)fprintf(stderr, "dcmspool: %s is in %s/%s already\n",
		    word, item.dest, queue_state_name(item.state));
		retry->missed = true;
		return 0;
	}
	return retry_one(retry, &item);
}

static int
retry_all(struct retry *retry)
{
	struct cmd_selection selection;
	int rc;

	if (cmd_select(retry->cmd, retry->all, &selection, retry->err) == -1)
		return -1;
	if (selection.has_state &&
	    (selection.state == QUEUE_NEW || selection.state == QUEUE_ACTIVE))
		return err_set(retry->err, ERR_USAGE,
		    "retry: what is in new or active is under way already");
	if (!retry->yes && !retry->dry_run) {
		rc = confirm(retry, &selection);
		if (rc != 1)
			return rc;
	}
	return for_all(retry, &selection, retry_one);
}

/* A state that is not named is deferred or failed: what the operator has put
 * into hold/, and what was delivered, stays. */
static int
for_all(struct retry *retry, const struct cmd_selection *selection,
    cmd_visit *visit)
{
	if (selection->has_state)
		return cmd_scan(retry->cmd, selection->dest, selection->state,
		    visit, retry, retry->err);
	if (cmd_scan(retry->cmd, selection->dest, QUEUE_DEFERRED, visit, retry,
		retry->err) == -1)
		return -1;
	return cmd_scan(retry->cmd, selection->dest, QUEUE_FAILED, visit, retry,
	    retry->err);
}

/* 1 yes, 0 no, -1 there is nobody to ask. */
static int
confirm(struct retry *retry, const struct cmd_selection *selection)
{
	char answer[16] = "";

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return err_set(retry->err, ERR_USAGE,
		    "retry --all: say --yes, or --dry-run to see what it "
		    "would do");
	if (for_all(retry, selection, count_one) == -1)
		return -1;
	if (retry->count == 0)
		return 0;
	(void)fprintf(stderr, "retry %llu items of %s? [y/N] ",
	    (unsigned long long)retry->count, retry->all);
	retry->count = 0;
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return 0;
	return strncasecmp(answer, "y", 1) == 0;
}

static int
count_one(void *context, const struct cmd_item *item)
{
	struct retry *retry = context;

	(void)item;
	retry->count++;
	return 0;
}

static int
retry_one(void *context, const struct cmd_item *item)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	struct retry *retry = context;
	int root_fd = retry->cmd->spool.root_fd, rc = 1;
	struct stat st;

	path_item(from, item->dest, item->state, item->file);
	path_item(to, item->dest, QUEUE_NEW, item->file);
	if (!retry->dry_run) {
		/* Before the record is touched; the rename looks again. */
		if (fs_stat(root_fd, to, &st, retry->err) == 1)
			return err_set(retry->err, ERR_PERMANENT,
			    "rename %s to %s: there is one already", from, to);
		if (item->state != QUEUE_DEFERRED &&
		    renew_record(retry, item) == -1)
			return -1;
		rc = fs_rename(root_fd, from, to, retry->err);
	}
	if (rc == -1)
		return -1;
	if (rc == 0) {
		retry->missed = true; /* somebody was faster */
		return 0;
	}
	retry->count++;
	(void)printf("%s%s/%s/", retry->dry_run ? "would retry " : "retry ",
	    item->dest, queue_state_name(item->state));
	cmd_put(stdout, item->file);
	(void)putchar('\n');
	return 0;
}

static int
renew_record(struct retry *retry, const struct cmd_item *item)
{
	int root_fd = retry->cmd->spool.root_fd;
	char path[PATH_SIZE];
	struct result r;

	if (result_read_record(root_fd, item->dest, item->file, &r, NULL) ==
		1 &&
	    r.answer_lost) {
		r.state = RESULT_DEFERRED;
		r.attempts = r.breaks = r.deaths = 0;
		r.next_us = 0;
		return result_write_record(root_fd, &r, retry->err);
	}
	path_record(path, item->dest, item->file);
	return fs_unlink(root_fd, path, retry->err) == -1 ? -1 : 0;
}
