/*
 * The operator command: what its sub-commands share. Each works with the
 * daemons stopped or running, and does nothing that mv and ls could not.
 */
#ifndef DCMSPOOL_CMD_H
#define DCMSPOOL_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "conf.h"
#include "counters.h"
#include "err.h"
#include "path.h"
#include "spool.h"

#define CMD_NOTHING	1 /* the exit code for: nothing matched, or not so */
#define CMD_AGE_SIZE	24
#define CMD_STATUS_SIZE 16

struct cmd_account; /* cmd_audit.c */

struct cmd {
	const struct conf *conf;
	struct spool spool;
	bool terminal; /* standard output is one */
	bool colour;   /* and takes it */
	uid_t owner;   /* as whom we act in the spool; 0: as who we are */
	struct cmd_account *account; /* where acts are noted */
};

/*
 * argv[0] is the sub-command's name. Returns the exit code; -1 and *err, whose
 * class then gives it.
 */
typedef int cmd_run(struct cmd *cmd, int argc, char **argv, struct err *err);

cmd_run cmd_status;
cmd_run cmd_list;
cmd_run cmd_show;
cmd_run cmd_retry;
cmd_run cmd_hold;
cmd_run cmd_release;
cmd_run cmd_fail;
cmd_run cmd_remove;
cmd_run cmd_move;
cmd_run cmd_copy;
cmd_run cmd_edit;
cmd_run cmd_export;
cmd_run cmd_import;
cmd_run cmd_pause;
cmd_run cmd_resume;
cmd_run cmd_flush;
cmd_run cmd_wait;
cmd_run cmd_check;
cmd_run cmd_expire;
cmd_run cmd_report;
cmd_run cmd_metrics;
cmd_run cmd_trace;

/* ERR_USAGE for what getopt_long(3) just stopped at. */
int cmd_bad_option(char **argv, struct err *err);

/* cmd_items.c: destinations, and naming items. */

struct cmd_destination {
	char name[NAME_DEST_SIZE];
	bool configured;
	bool has_folder;
};

/* All destinations: those of the configuration in its order, then the other
 * folders under queue/ by name. *list is the caller's, for free(3). */
int cmd_destinations(const struct cmd *cmd, struct cmd_destination **list,
    size_t *n, struct err *err);

struct cmd_item {
	char dest[NAME_DEST_SIZE];
	enum queue_state state;
	char file[NAME_FILE_SIZE];
};

/* cmd_audit.c: notes what was done to an item, or, where its file is "", to a
 * destination: a line in the ledger, and one more in the counters. label: the
 * item's (label.h), from before it was done; target: where it went, "" for
 * nowhere. */
void cmd_audit(const struct cmd *cmd, enum counters_act act,
    const struct cmd_item *item, const char *label, const char *target);
/* The same by the name of the command. */
void cmd_audit_verb(const struct cmd *cmd, const char *verb,
    const struct cmd_item *item, const char *label, const char *target);
/* Made at the beginning, opened when first needed. */
struct cmd_account *cmd_account_new(const struct cmd *cmd, struct err *err);
void cmd_account_free(struct cmd_account *account);

/* What "DEST" or "DEST/STATE" selects. */
struct cmd_selection {
	char dest[NAME_DEST_SIZE]; /* "" = all */
	bool has_state;
	enum queue_state state;
};

/* word may be NULL: all; "queue/" before it and "/" behind it are dropped.
 * 0; -1 (ERR_USAGE) also for a destination that is not there. */
int cmd_select(const struct cmd *cmd, const char *word,
    struct cmd_selection *selection, struct err *err);

/* The same of a word that may go on behind that: *part is what remains of it,
 * "" for nothing. A word that begins with no destination remains as it is. */
int cmd_select_part(const struct cmd *cmd, const char *word,
    struct cmd_selection *selection, const char **part, struct err *err);

typedef int cmd_visit(void *context, const struct cmd_item *item);

/* The items of one folder in its own order; stops where visit returns other
 * than 0, and returns that. A folder that is not there is empty. */
int cmd_scan(const struct cmd *cmd, const char *dest, enum queue_state state,
    cmd_visit *visit, void *context, struct err *err);

/* cmd_sort.c: the same in the order of the names, which is that of arrival. It
 * reads the folder several times, and keeps a bounded number of names. */
int cmd_scan_sorted(const struct cmd *cmd, const char *dest,
    enum queue_state state, cmd_visit *visit, void *context, struct err *err);

struct cmd_filter;

/*
 * The one item that `word` names: its file name, else its SOP Instance UID,
 * else a part of its file name; "DEST/" or "DEST/STATE/" before it narrows,
 * and so does the filter (may be NULL). 1; 0 none; -1 (ERR_USAGE) several, and
 * the candidates are on stderr.
 */
int cmd_find(const struct cmd *cmd, const struct cmd_filter *filter,
    const char *word, struct cmd_item *item, struct err *err);

/* Whether a sender runs, and an item in active/ is in a lane's hands. */
int cmd_sender_runs(const struct cmd *cmd, bool *runs, struct err *err);

/* When it arrived, by its name; else by its time of modification. 1; 0 it is
 * gone, or no regular file; -1 */
int cmd_arrival(const struct cmd *cmd, const struct cmd_item *item,
    int64_t *arrived_us, int64_t *bytes, struct err *err);

/* cmd_user.c: root becomes the owner of the spool in it. Between leave and
 * enter it is root again, for files elsewhere. */
int cmd_user_become_owner(struct cmd *cmd, struct err *err);
void cmd_user_leave(const struct cmd *cmd);
void cmd_user_enter(const struct cmd *cmd);

/* cmd_print.c: what goes out. */

enum cmd_colour {
	CMD_PLAIN,
	CMD_GOOD,
	CMD_WARN,
	CMD_BAD
};
/* What goes before and behind a text of that colour: "" where there is none. */
const char *cmd_colour_begin(const struct cmd *cmd, enum cmd_colour colour);
const char *cmd_colour_end(const struct cmd *cmd, enum cmd_colour colour);

/* Between the fields of a line: on a terminal a space, else a tab. */
char cmd_separator(const struct cmd *cmd);

/* DEST/STATE/FILE, and an end of line, or with `null` a NUL. */
void cmd_put_item(FILE *out, const struct cmd_item *item, bool null);

/* On stderr: no item is named so. */
void cmd_put_missing(const char *word);

/* "0xA900", or "none" for RESULT_NO_STATUS. */
void cmd_status_format(int status, char out[CMD_STATUS_SIZE]);
/* What a C-STORE status means (PS3.4 B.2.3, PS3.7 C), never NULL. */
const char *cmd_status_words(int status);

/* Printable ASCII as it is, the rest as \xHH: nothing reaches a terminal, or
 * breaks a line, that came from a file or the network. */
void cmd_put(FILE *out, const char *text);

/* How wide the terminal on standard output is; 80 where it does not say. */
size_t cmd_columns(void);
/* For a terminal: words in lines that fit, and an end of line. The first goes
 * on behind `at` columns, the others are indented. A tab is a blank at which no
 * line ends: what is to be copied stays in one. */
void cmd_put_wrapped(size_t at, size_t indent, const char *text);

/* Two units: "45s", "12m30s", "3h12m", "2d4h". */
void cmd_age_format(int64_t us, char out[CMD_AGE_SIZE]);

/* Text that is not UTF-8 is taken for ISO 8859-1. Never NULL unless there is
 * no memory. */
json_t *cmd_json_text(const char *text);
/* UTC, ISO 8601; null for 0. */
json_t *cmd_json_time(int64_t real_us);
/* Consumes object; one line. 0 or -1. */
int cmd_json_print(json_t *object, struct err *err);

#endif
