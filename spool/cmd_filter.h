/*
 * Which items a command is about: the filters that all commands share.
 */
#ifndef DCMSPOOL_CMD_FILTER_H
#define DCMSPOOL_CMD_FILTER_H

#include "cmd.h"

/* For struct option of getopt_long(3); what the commands add begins after. */
enum cmd_option {
	CMD_OPTION_DEST = 256,
	CMD_OPTION_STATE,
	CMD_OPTION_SOURCE,
	CMD_OPTION_STUDY,
	CMD_OPTION_OLDER,
	CMD_OPTION_STATUS,
	CMD_OPTIONS
};

/* --all reads better where it is all that is said. */
#define CMD_FILTER_OPTIONS                                                     \
	{"all", required_argument, NULL, CMD_OPTION_DEST},                     \
	    {"dest", required_argument, NULL, CMD_OPTION_DEST},                \
	    {"state", required_argument, NULL, CMD_OPTION_STATE},              \
	    {"source", required_argument, NULL, CMD_OPTION_SOURCE},            \
	    {"study", required_argument, NULL, CMD_OPTION_STUDY},              \
	    {"older", required_argument, NULL, CMD_OPTION_OLDER},              \
	{                                                                      \
		"status", required_argument, NULL, CMD_OPTION_STATUS           \
	}

#define CMD_STATE_BIT(state) (1U << (state))
#define CMD_STATES_ALL	     (CMD_STATE_BIT(QUEUE_STATES) - 1)

struct cmd_filter {
	bool given;		   /* at least one of them */
	bool sorted;		   /* to be visited in the order of arrival */
	char dest[NAME_DEST_SIZE]; /* "" = all */
	unsigned states;	   /* CMD_STATE_BIT; 0 = not given */
	const char *part;	   /* of the file's name */
	const char *source;	   /* calling AE title or peer, fnmatch(3) */
	const char *study;	   /* Study Instance UID */
	bool has_older;
	int64_t before_us;
	bool has_status;
	int status; /* RESULT_NO_STATUS for "none" */
	int status_mask;
};

/* 1 it was a filter and is taken, 0 it is another option, -1 ERR_USAGE */
int cmd_filter_option(const struct cmd *cmd, struct cmd_filter *filter,
    int option, const char *value, struct err *err);

/* "DEST" or "DEST/STATE" as a filter. */
int cmd_filter_select(const struct cmd *cmd, struct cmd_filter *filter,
    const char *word, struct err *err);

/* The same of what has been looked up. */
int cmd_filter_add(struct cmd_filter *filter,
    const struct cmd_selection *selection, struct err *err);

/* 1, 0 (or it is gone), -1. filter NULL matches all. */
int cmd_filter_matches(const struct cmd *cmd, const struct cmd_filter *filter,
    const struct cmd_item *item, struct err *err);

/*
 * Visits what the filter lets through, folder by folder. states are looked at
 * where the filter names none. Where that takes long, it says so on a terminal.
 */
int cmd_filter_scan(const struct cmd *cmd, const struct cmd_filter *filter,
    unsigned states, cmd_visit *visit, void *context, struct err *err);

/* "90", "90s", "5m", "1h", "2d", "1w" in seconds, up to INT32_MAX; 0 or -1. */
int cmd_seconds_parse(const char *text, int64_t *seconds);

/* cmd_study.c: (0020,000D) of a data set that begins at data, as far as size
 * bytes tell. 1, 0 not found. Pure. */
int cmd_study_find(const uint8_t *data, size_t size,
    const char *transfer_syntax, char study[NAME_UID_SIZE]);

#endif
