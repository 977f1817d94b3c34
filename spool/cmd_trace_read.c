/*
 * Log lines, read: `time program[pid] level event key=value ...` as the
 * daemons write it to stderr, or with whatever syslog or the journal put
 * before the event.
 *
 * Errors: as fs.c; ERR_TEMPORARY where the program that unpacks a file cannot
 * be started, ERR_CORRUPT where it fails.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd_trace.h"
#include "fs.h"

extern char **environ;

struct source {
	FILE *stream;
	pid_t pid; /* of the program that unpacks it, 0 = none */
};

static int open_source(
    const char *file, struct source *source, struct err *err);
static const char *unpacker_of(const char *file);
static int start(
    const char *program, int in_fd, struct source *source, struct err *err);
static int close_source(
    struct source *source, const char *file, bool whole, struct err *err);
static int64_t time_of(const char *text);
static int64_t fraction_us(const char **text);
static const char *find_key(const char *text, const char *key);
static bool unquote(const char *at, char *out, size_t size);

int
trace_read(const char *file,
    int (*visit)(void *context, const struct trace_line *line), void *context,
    struct err *err)
{
	struct trace_line line;
	struct source source;
	char text[TRACE_LINE_SIZE];
	bool cut = false;
	size_t size;
	int rc = 0;

	if (open_source(file, &source, err) == -1)
		return -1;
	while (rc == 0 && fgets(text, sizeof(text), source.stream) != NULL) {
		size = strlen(text);
		/* The rest of a line that was too long is no line. */
		if (!cut) {
			text[strcspn(text, "\r\n")] = '\0';
			line.text = text;
			line.real_us = time_of(text);
			rc = visit(context, &line);
		}
		cut = size == sizeof(text) - 1 && text[size - 1] != '\n';
	}
	if (close_source(&source, file, rc == 0, err) == -1)
		rc = -1;
	return rc;
}

bool
trace_value(const char *text, const char *key, char *out, size_t size)
{
	const char *at = find_key(text, key);

	return at != NULL && unquote(at, out, size);
}

bool
trace_event(const char *text, char *out, size_t size)
{
	const char *end, *begin, *c;

	/* The first word with a = in it, and the one before. */
	end = strchr(text, '=');
	if (end == NULL)
		return false;
	while (end > text && end[-1] != ' ')
		end--;
	while (end > text && end[-1] == ' ')
		end--;
	for (begin = end; begin > text && begin[-1] != ' '; begin--)
		continue;
	if (begin == end || (size_t)(end - begin) >= size)
		return false;
	for (c = begin; c < end; c++)
		if (!islower((unsigned char)*c) && *c != '-')
			return false;
	(void)memcpy(out, begin, (size_t)(end - begin));
	out[end - begin] = '\0';
	return true;
}

static int
open_source(const char *file, struct source *source, struct err *err)
{
	const char *program = unpacker_of(file);
	int fd, rc;

	*source = (struct source){.stream = NULL};
	if (strcmp(file, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = fs_open(AT_FDCWD, file, O_RDONLY, err);
	if (fd == -1)
		return strcmp(file, "-") == 0
			   ? err_sys(err, "read standard input")
			   : -1;
	if (program != NULL) {
		rc = start(program, fd, source, err);
		(void)fs_close(&fd, file, NULL);
		return rc;
	}
	source->stream = fdopen(fd, "r");
	if (source->stream == NULL) {
		(void)err_sys(err, "read %s", file);
		(void)fs_close(&fd, file, NULL);
		return -1;
	}
	return 0;
}

static const char *
unpacker_of(const char *file)
{
	static const char *const programs[][2] = {{".gz", "gzip"},
	    {".xz", "xz"}, {".zst", "zstd"}, {".bz2", "bzip2"}};
	size_t i, size = strlen(file), n;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		n = strlen(programs[i][0]);
		if (size > n && strcmp(file + size - n, programs[i][0]) == 0)
			return programs[i][1];
	}
	return NULL;
}

/* PROGRAM -dc, from in_fd to a pipe; no shell. */
static int
start(const char *program, int in_fd, struct source *source, struct err *err)
{
	char *argv[] = {(char *)program, (char *)"-dc", NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], error;

	if (pipe2(pipe_fd, O_CLOEXEC) == -1)
		return err_sys(err, "start %s", program);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(
	    &actions, pipe_fd[1], STDOUT_FILENO);
	error =
	    posix_spawnp(&source->pid, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipe_fd[1]);
	if (error == 0) {
		source->stream = fdopen(pipe_fd[0], "r");
		if (source->stream != NULL)
			return 0;
		error = errno;
		(void)waitpid(source->pid, NULL, 0);
	}
	(void)close(pipe_fd[0]);
	errno = error;
	return err_sys(err, "start %s (is it installed?)", program);
}

static int
close_source(
    struct source *source, const char *file, bool whole, struct err *err)
{
	bool failed = ferror(source->stream) != 0;
	int status = 0;

	(void)fclose(source->stream);
	if (source->pid != 0)
		(void)waitpid(source->pid, &status, 0);
	if (whole && failed)
		return err_sys(err, "read %s", file);
	if (whole && status != 0)
		return err_set(err, ERR_CORRUPT, "%s cannot be unpacked", file);
	return 0;
}

/* "2026-11-23T22:50:01.123456Z", ours; or with an offset, of syslog or the
 * journal: "2026-11-23T22:50:01.123456+00:00", "...+0000". */
static int64_t
time_of(const char *text)
{
	int used = 0, off_h = 0, off_m = 0;
	struct tm tm = {.tm_isdst = 0};
	int64_t us;
	char sign;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	text += used;
	us = fraction_us(&text);
	sign = *text;
	if ((sign == '+' || sign == '-') &&
	    sscanf(text + 1, "%2d:%2d", &off_h, &off_m) < 2)
		(void)sscanf(text + 1, "%2d%2d", &off_h, &off_m);
	off_m += 60 * off_h;
	return ((int64_t)timegm(&tm) -
		   (sign == '-' ? -60 : 60) * (int64_t)off_m) *
		   1000000 +
	       us;
}

/* ".123456", and behind it: of any number of digits, or not there. */
static int64_t
fraction_us(const char **text)
{
	int64_t us = 0, unit = 100000;

	if (**text != '.')
		return 0;
	for (++*text; isdigit((unsigned char)**text); ++*text, unit /= 10)
		us += unit * (**text - '0');
	return us;
}

static const char *
find_key(const char *text, const char *key)
{
	size_t size = strlen(key);
	bool quoted = false;

	for (; *text != '\0'; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (*text == '\\' && quoted && text[1] != '\0')
			text++;
		else if (*text == ' ' && !quoted &&
			 strncmp(text + 1, key, size) == 0 &&
			 text[1 + size] == '=')
			return text + size + 2;
	}
	return NULL;
}

/* As log.c wrote it; \xHH stays as it is, for a terminal's sake. */
static bool
unquote(const char *at, char *out, size_t size)
{
	bool quoted = *at == '"';
	size_t used = 0;

	for (at += quoted; *at != '\0' && *at != (quoted ? '"' : ' '); at++) {
		if (quoted && at[0] == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		if (used + 1 >= size)
			return false;
		out[used++] = *at;
	}
	out[used] = '\0';
	return true;
}
