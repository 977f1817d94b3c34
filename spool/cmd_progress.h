/*
 * A bar on standard error, where that is a terminal, for what takes long.
 */
#ifndef DCMSPOOL_CMD_PROGRESS_H
#define DCMSPOOL_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct cmd_progress {
	const char *verb;
	uint64_t n, total; /* total 0: not known, and n alone is shown */
	int64_t begun_ms, shown_ms;
	bool terminal, visible;
};

void cmd_progress_begin(
    struct cmd_progress *progress, const char *verb, uint64_t total);
/* n more are done. */
void cmd_progress_add(struct cmd_progress *progress, uint64_t n);
/* Takes it off the screen, for a line that is to be printed. One of zeros is
 * none. */
void cmd_progress_pause(struct cmd_progress *progress);
void cmd_progress_end(struct cmd_progress *progress);

#endif
