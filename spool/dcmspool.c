/*
 * dcmspool(1): what an operator asks of the spool, or does in it.
 *
 * Errors: one line on stderr, and the exit code of sysexits.h; 1 where
 * nothing matched, or it is not so.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd.h"

#define ITEMS "[-0] [--dry-run] [--yes] {ITEM... | FILTER...}"

static const struct {
	const char *name;
	cmd_run *run;
	const char *arguments;
} commands[] = {
    {"status", cmd_status, "[-q] [--json] [--watch[=SECONDS]]"},
    {"list", cmd_list,
	"[-0l] [--json] [--unsorted] [FILTER...] [DEST[/STATE] | ITEM]"},
    {"show", cmd_show, "[--json] {ITEM... | FILTER...}"},
    {"trace", cmd_trace, "[--json] {UID | ITEM} [LOGFILE...]"},
    {"retry", cmd_retry, ITEMS},
    {"hold", cmd_hold, ITEMS},
    {"release", cmd_release, ITEMS},
    {"fail", cmd_fail, ITEMS},
    {"remove", cmd_remove, ITEMS},
    {"move", cmd_move, ITEMS " DEST"},
    {"copy", cmd_copy, ITEMS " DEST"},
    {"edit", cmd_edit, ITEMS " -- COMMAND [ARGUMENT...]"},
    {"export", cmd_export, ITEMS " DIR"},
    {"import", cmd_import, "[-0] [--dry-run] DEST FILE..."},
    {"pause", cmd_pause, "DEST..."},
    {"resume", cmd_resume, "DEST..."},
    {"flush", cmd_flush, "DEST..."},
    {"wait", cmd_wait, "[--timeout SECONDS] [DEST]"},
    {"check", cmd_check, "[--json] [--repair]"},
    {"metrics", cmd_metrics, "[--json] [-o FILE]"},
    {"expire", cmd_expire, "[--dry-run]"},
    {"report", cmd_report, "[--json] [LOGFILE...]"},
};

static const char filters[] =
    "filters:\n"
    "  --all DEST[/STATE], --dest DEST[/STATE], --state STATE[,STATE...],\n"
    "  --source AET-OR-PEER, --study UID, --older 1h, --status 0xA900";

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int run(int argc, char **argv, struct err *err);
static int run_command(
    const char *conf_file, int argc, char **argv, struct err *err);
static bool takes_colour(void);
static void print_usage(void);

int
main(int argc, char **argv)
{
	struct err err = {.class = ERR_NONE};
	int code;

	(void)signal(SIGPIPE, SIG_DFL);
	/* How the kernel would tell that somebody wants to write to a file that
	 * we have just asked about (fcntl(2), F_SETLEASE). */
	(void)signal(SIGIO, SIG_IGN);
	code = run(argc, argv, &err);
	if (code == -1) {
		code = err_exit_code(&err);
		(void)fflush(stdout);
		(void)fprintf(stderr, "dcmspool: %s\n", err.text);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "dcmspool: write standard output: %s\n",
		    strerror(errno));
		code = EX_IOERR;
	}
	return code;
}

int
cmd_bad_option(char **argv, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "%s: unknown option or missing argument: %s (see dcmspool -h)",
	    argv[0], argv[optind - 1]);
}

static int
run(int argc, char **argv, struct err *err)
{
	const char *conf_file = NULL;
	bool check_only = false;
	int option;

	opterr = 0;
	while ((option = getopt(argc, argv, "+c:nVh")) != -1) {
		switch (option) {
		case 'c':
			conf_file = optarg;
			break;
		case 'n':
			check_only = true;
			break;
		case 'V':
			(void)printf("dcmspool %s\n", DCMSPOOL_VERSION);
			return EX_OK;
		case 'h':
			print_usage();
			return EX_OK;
		default:
			return err_set(err, ERR_USAGE,
			    "unknown option or missing argument: -%c (see "
			    "dcmspool -h)",
			    optopt);
		}
	}
	conf_file = conf_path(conf_file);
	if (!check_only && optind == argc)
		return err_set(
		    err, ERR_USAGE, "which command? (see dcmspool -h)");
	if (check_only)
		argc = optind;
	return run_command(conf_file, argc - optind, argv + optind, err);
}

/* With no command it only reads the configuration. */
static int
run_command(const char *conf_file, int argc, char **argv, struct err *err)
{
	struct cmd cmd = {.spool.root_fd = -1};
	struct conf *conf = NULL;
	int code = -1;
	size_t i = 0;

	while (
	    argc > 0 && i < COMMANDS && strcmp(argv[0], commands[i].name) != 0)
		i++;
	if (i == COMMANDS)
		return err_set(err, ERR_USAGE,
		    "unknown command: %s (see dcmspool -h)", argv[0]);
	if (argc == 2 && strcmp(argv[1], "-h") == 0) {
		(void)printf("usage: dcmspool [-c file] %s %s\n",
		    commands[i].name, commands[i].arguments);
		if (strstr(commands[i].arguments, "FILTER") != NULL)
			(void)puts(filters);
		return EX_OK;
	}
	if (conf_load(conf_file, &conf, err) == -1)
		return -1;
	if (argc == 0) {
		conf_free(conf);
		return EX_OK;
	}
	cmd.conf = conf;
	cmd.terminal = isatty(STDOUT_FILENO) == 1;
	cmd.colour = cmd.terminal && takes_colour();
	if (spool_open(conf->storage_location, false, &cmd.spool, err) == 0) {
		optind = 0; /* begin anew, getopt(3) */
		cmd.account = cmd_account_new(&cmd, err);
		if (cmd.account != NULL &&
		    cmd_user_become_owner(&cmd, err) == 0)
			code = commands[i].run(&cmd, argc, argv, err);
		cmd_account_free(cmd.account);
		spool_close(&cmd.spool);
	}
	conf_free(conf);
	return code;
}

static bool
takes_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return term != NULL && strcmp(term, "dumb") != 0 &&
	       (no == NULL || no[0] == '\0');
}

static void
print_usage(void)
{
	size_t i;

	(void)puts("usage: dcmspool [-c file] command\n"
		   "       dcmspool [-c file] -n | -V | -h\n"
		   "  -c  the configuration\n"
		   "  -n  check it and exit\n"
		   "  -V  print the version\n"
		   "commands:");
	for (i = 0; i < COMMANDS; i++)
		(void)printf(
		    "  %-7s %s\n", commands[i].name, commands[i].arguments);
	(void)puts(filters);
}
