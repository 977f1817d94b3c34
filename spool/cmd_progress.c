/*
 * A progress bar: on stderr, where that is a terminal, once a thing takes
 * longer than a moment.
 *
 * Errors: none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "cmd_progress.h"

#define FIRST_MS 700
#define EVERY_MS 200
#define WIDTH	 30

static void show(const struct cmd_progress *progress, int64_t now_ms);

void
cmd_progress_begin(
    struct cmd_progress *progress, const char *verb, uint64_t total)
{
	*progress = (struct cmd_progress){.verb = verb,
	    .total = total,
	    .begun_ms = clock_mono_ms(),
	    .terminal = isatty(STDERR_FILENO) == 1};
}

void
cmd_progress_add(struct cmd_progress *progress, uint64_t n)
{
	int64_t now_ms;

	progress->n += n;
	if (!progress->terminal)
		return;
	now_ms = clock_mono_ms();
	if (now_ms - progress->begun_ms < FIRST_MS ||
	    now_ms - progress->shown_ms < EVERY_MS)
		return;
	progress->shown_ms = now_ms;
	progress->visible = true;
	show(progress, now_ms);
}

void
cmd_progress_pause(struct cmd_progress *progress)
{
	if (progress->visible)
		(void)fputs("\r\033[K", stderr);
	progress->visible = false;
}

void
cmd_progress_end(struct cmd_progress *progress)
{
	cmd_progress_pause(progress);
	progress->terminal = false;
}

static void
show(const struct cmd_progress *progress, int64_t now_ms)
{
	char bar[WIDTH + 1], left[CMD_AGE_SIZE];
	uint64_t filled;
	int64_t left_us;

	if (progress->total == 0 || progress->n > progress->total) {
		(void)fprintf(stderr, "\r%s %" PRIu64 "\033[K", progress->verb,
		    progress->n);
		return;
	}
	filled = progress->n * WIDTH / progress->total;
	(void)memset(bar, ' ', WIDTH);
	(void)memset(bar, '#', filled);
	bar[WIDTH] = '\0';
	left_us = progress->n == 0
		      ? 0
		      : (int64_t)((double)(progress->total - progress->n) /
				  (double)progress->n *
				  (double)(now_ms - progress->begun_ms)) *
			    1000;
	cmd_age_format(left_us, left);
	(void)fprintf(stderr, "\r%s [%s] %3u%%, %s left\033[K", progress->verb,
	    bar, (unsigned)(progress->n * 100 / progress->total), left);
}
