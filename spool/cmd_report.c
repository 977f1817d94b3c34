/*
 * dcmspool report: one page that says how it is and how the day went. This
 * collects it as JSON; a script beside us makes the page of it.
 *
 * Errors: as fs.c; ERR_TEMPORARY where there is no memory or the script cannot
 * be started.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "certificate.h"
#include "cmd_report.h"
#include "fs.h"

#define US_PER_S  1000000
#define HOST_SIZE 256

extern char **environ;

struct options {
	bool json;
	char **logs;
	int logs_n;
};

static int collect(struct report *report, const struct options *options,
    json_t **object, struct err *err);
static int take_logs(struct report *report, const struct options *options);
static json_t *certificates(const struct conf *conf);
static void add_certificate(json_t *list, const char *place, const char *path);
static int write_page(json_t *object, struct err *err);
static int find_script(char path[PATH_SIZE], struct err *err);
static int start_script(
    const char *path, int *in_fd, pid_t *pid, struct err *err);

int
cmd_report(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct report report = {.cmd = cmd, .err = err};
	struct options options = {.json = false};
	json_t *object = NULL;
	int option, rc;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option != 'j')
			return cmd_bad_option(argv, err);
		options.json = true;
	}
	options.logs = argv + optind;
	options.logs_n = argc - optind;
	rc = collect(&report, &options, &object, err);
	free(report.series);
	if (rc == -1) {
		json_decref(object);
		return -1;
	}
	rc = options.json ? cmd_json_print(object, err)
			  : write_page(object, err);
	return rc == -1 ? -1 : EX_OK;
}

static int
collect(struct report *report, const struct options *options, json_t **object,
    struct err *err)
{
	struct status status;
	char host[HOST_SIZE] = "";
	json_t *failed;
	size_t i;
	int rc = -1;

	if (status_take(report->cmd, &status, err) == -1)
		return -1;
	report->now_us = status.now_us;
	report->begin_us = status.now_us -
			   (int64_t)REPORT_BUCKETS * REPORT_BUCKET_S * US_PER_S;
	report->series = calloc(status.n + 1, sizeof(*report->series));
	if (report->series == NULL) {
		(void)err_sys(err, "get memory for the report");
		goto out;
	}
	for (i = 0; i < status.n; i++) {
		(void)strcpy(report->series[i].dest,
		    status.destinations[i].destination.name);
		report->series[i].wait_now =
		    (int64_t)status_waiting(&status.destinations[i]);
	}
	report->series_n = status.n;
	if (report_take_counters(report) == -1 ||
	    report_take_items(report) == -1 ||
	    take_logs(report, options) == -1 ||
	    (failed = report_failed_json(report->cmd, err)) == NULL)
		goto out;
	(void)gethostname(host, sizeof(host) - 1);
	*object = json_pack("{so, so, si, so, so, so, so}", "Time",
	    cmd_json_time(report->now_us), "Host", cmd_json_text(host), "Logs",
	    (int)report->logs, "Status", status_json(report->cmd, &status),
	    "Failed", failed, "Day", report_day_json(report), "Certificates",
	    certificates(report->cmd->conf));
	rc = *object != NULL ? 0
			     : err_set(err, ERR_TEMPORARY, "report: no memory");
out:
	status_free(&status);
	return rc;
}

/* Those that are named; else that of contrib/rsyslog, where there is one. */
static int
take_logs(struct report *report, const struct options *options)
{
	static const char *const usual[] = {
	    "/var/log/dcmspool.log.1", "/var/log/dcmspool.log"};
	struct stat st;
	int i, rc = 0;

	cmd_user_leave(report->cmd);
	for (i = 0; i < options->logs_n && rc == 0; i++)
		rc = report_take_log(report, options->logs[i]);
	for (i = 0; i < 2 && options->logs_n == 0 && rc == 0; i++)
		if (fs_stat(AT_FDCWD, usual[i], &st, NULL) == 1)
			rc = report_take_log(report, usual[i]);
	cmd_user_enter(report->cmd);
	return rc;
}

static json_t *
certificates(const struct conf *conf)
{
	json_t *list = json_array();
	size_t i;

	if (conf->receiver.tls.on)
		add_certificate(
		    list, "receiver", conf->receiver.tls.certificate);
	for (i = 0; i < conf->destinations_n; i++)
		if (conf->destinations[i].tls.on)
			add_certificate(list, conf->destinations[i].name,
			    conf->destinations[i].tls.certificate);
	return list;
}

static void
add_certificate(json_t *list, const char *place, const char *path)
{
	struct err err;
	int64_t end_s;
	json_t *one;

	one =
	    json_pack("{ss, so}", "Whose", place, "File", cmd_json_text(path));
	if (certificate_file_end(path, &end_s, &err) == 0)
		(void)json_object_set_new(
		    one, "Ends", cmd_json_time(end_s * US_PER_S));
	else
		(void)json_object_set_new(
		    one, "Problem", cmd_json_text(err.text));
	(void)json_array_append_new(list, one);
}

/* Consumes object. The script writes to our standard output. */
static int
write_page(json_t *object, struct err *err)
{
	char path[PATH_SIZE];
	int in_fd = -1, status = 0, rc;
	pid_t pid;

	rc = find_script(path, err);
	if (rc == 0)
		rc = start_script(path, &in_fd, &pid, err);
	if (rc == -1) {
		json_decref(object);
		return -1;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	rc = json_dumpfd(object, in_fd, JSON_COMPACT);
	json_decref(object);
	(void)fs_close(&in_fd, "pipe", NULL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (rc == 0 && status == 0)
		return 0;
	return err_set(err, ERR_TEMPORARY,
	    "report: %s failed; it takes python3, and room for what it writes",
	    path);
}

/* Where it is installed, else in the tree: seen from our own program. */
static int
find_script(char path[PATH_SIZE], struct err *err)
{
	static const char *const places[] = {"../lib/dcmspool/dcmspool-report",
	    "../contrib/report/dcmspool-report",
	    "../../../../contrib/report/dcmspool-report"};
	char self[PATH_SIZE];
	struct stat st;
	ssize_t size;
	size_t i;

	size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (size == -1)
		return err_sys(err, "read /proc/self/exe");
	self[size] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (snprintf(path, PATH_SIZE, "%s%s", self, places[i]) >=
		    PATH_SIZE)
			continue;
		if (fs_stat(AT_FDCWD, path, &st, NULL) == 1)
			return 0;
	}
	return err_set(err, ERR_PERMANENT,
	    "report: %s../lib/dcmspool/dcmspool-report is not there: install "
	    "dcmspool as a whole, or use --json",
	    self);
}

static int
start_script(const char *path, int *in_fd, pid_t *pid, struct err *err)
{
	char *argv[] = {(char *)path, NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], error;

	if (pipe2(pipe_fd, O_CLOEXEC) == -1)
		return err_sys(err, "start %s", path);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(
	    &actions, pipe_fd[0], STDIN_FILENO);
	error = posix_spawn(pid, path, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipe_fd[0]);
	*in_fd = pipe_fd[1];
	if (error == 0)
		return 0;
	(void)close(pipe_fd[1]);
	errno = error;
	return err_sys(err, "start %s (it takes python3)", path);
}
