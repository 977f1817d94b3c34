/*
 * The ledger.
 *
 * Errors: none to the caller but the loss of a line; logged as ledger-failed.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "ledger.h"
#include "path.h"

#define LOOK_MS 1000

struct ledger {
	char path[PATH_SIZE]; /* "" for none */
	int fd;		      /* -1: not open */
	int64_t looked_ms;    /* at its name; monotonic */
	bool confined;
	bool failed; /* that was logged */
	bool torn;   /* the last line has no end */
};

static bool may_look(struct ledger *ledger);
static bool is_it(const struct ledger *ledger);
static void open_again(struct ledger *ledger);
static void make_folder(const char *path);
static void fail(struct ledger *ledger, const struct err *err);

struct ledger *
ledger_open(const char *path, struct err *err)
{
	struct ledger *ledger;

	ledger = calloc(1, sizeof(*ledger));
	if (ledger == NULL) {
		(void)err_sys(err, "get memory for the ledger");
		return NULL;
	}
	ledger->fd = -1;
	if (ledger_move(ledger, path, err) == 0)
		return ledger;
	free(ledger);
	return NULL;
}

int
ledger_move(struct ledger *ledger, const char *path, struct err *err)
{
	if (strlen(path) >= sizeof(ledger->path))
		return err_set(err, ERR_CONFIG,
		    "log.Ledger: longer than %zu bytes",
		    sizeof(ledger->path) - 1);
	if (strcmp(path, ledger->path) == 0)
		return 0;
	(void)fs_close(&ledger->fd, ledger->path, NULL);
	(void)strcpy(ledger->path, path);
	ledger->failed = ledger->torn = false;
	if (path[0] != '\0')
		open_again(ledger);
	return 0;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	(void)fs_close(&ledger->fd, ledger->path, NULL);
	free(ledger);
}

bool
ledger_write(
    struct ledger *ledger, const char *event, const struct log_field *fields)
{
	char line[LOG_LINE_SIZE + 1] = {'\n'};
	struct err err = {.class = ERR_NONE};
	size_t size;

	if (ledger == NULL || ledger->path[0] == '\0')
		return true;
	if (!ledger->confined)
		(void)ledger_fd(ledger);
	if (ledger->fd == -1)
		return false;
	size = log_format(line + 1, "ledger", event, fields);
	if (fs_write(ledger->fd, ledger->torn ? line : line + 1,
		size + ledger->torn, ledger->path, &err) == -1) {
		ledger->torn = true;
		fail(ledger, &err);
		return false;
	}
	ledger->torn = ledger->failed = false;
	return true;
}

void
ledger_confine(struct ledger *ledger)
{
	if (ledger != NULL)
		ledger->confined = true;
}

bool
ledger_is_stale(struct ledger *ledger)
{
	return ledger != NULL && ledger->path[0] != '\0' && may_look(ledger) &&
	       !is_it(ledger);
}

int
ledger_fd(struct ledger *ledger)
{
	if (ledger->path[0] != '\0' && may_look(ledger) && !is_it(ledger))
		open_again(ledger);
	return ledger->fd;
}

void
ledger_take(struct ledger *ledger, int fd)
{
	if (fd == -1)
		return;
	(void)fs_close(&ledger->fd, ledger->path, NULL);
	ledger->fd = fd;
	ledger->torn = false;
}

static bool
may_look(struct ledger *ledger)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms < ledger->looked_ms + LOOK_MS)
		return false;
	ledger->looked_ms = now_ms;
	return true;
}

static bool
is_it(const struct ledger *ledger)
{
	struct stat open_one, named;

	return ledger->fd != -1 && fstat(ledger->fd, &open_one) == 0 &&
	       fs_stat(AT_FDCWD, ledger->path, &named, NULL) == 1 &&
	       open_one.st_dev == named.st_dev &&
	       open_one.st_ino == named.st_ino;
}

/* The old one is kept where there is no new one: better there than nowhere. */
static void
open_again(struct ledger *ledger)
{
	struct err err = {.class = ERR_NONE};
	int fd;

	fd = fs_open_append(ledger->path, &err);
	if (fd == -1) {
		make_folder(ledger->path);
		fd = fs_open_append(ledger->path, &err);
	}
	if (fd == -1)
		fail(ledger, &err);
	ledger_take(ledger, fd);
}

static void
make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_SIZE];

	if (slash == NULL || slash == path)
		return;
	(void)memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	(void)fs_mkdir(AT_FDCWD, folder, NULL);
}

static void
fail(struct ledger *ledger, const struct err *err)
{
	if (!ledger->failed)
		LOG(LOG_LEVEL_ERROR, "ledger-failed",
		    LOG_STR("file", ledger->path), LOG_STR("error", err->text));
	ledger->failed = true;
}
