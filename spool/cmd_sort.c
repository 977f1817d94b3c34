/*
 * The items of a folder in the order of their names, in bounded memory: each
 * round reads all names, keeps the first ones of those that were not visited,
 * and visits them. Rounds grow, so that the first items come at once, and a
 * million takes few of them. What is moved meanwhile may be missed, as in any
 * look at a folder; nothing is visited twice.
 *
 * Errors: as fs.c; ERR_TEMPORARY where there is no memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define ROUND_FIRST 4096
#define ROUND_GROWS 4
#define ROUND_MAX   65536 /* names of some 100 bytes each */

struct round {
	char **name; /* where it is full: the root of a heap, the last one */
	size_t n, room;
	bool more; /* there are others behind them */
	char after[NAME_FILE_SIZE];
	struct err *err;
};

static int keep(void *context, const struct cmd_item *item);
static void sink(struct round *round);
static int visit_all(struct round *round, struct cmd_item *item,
    cmd_visit *visit, void *context);
static int forwards(const void *a, const void *b);
static int backwards(const void *a, const void *b);

int
cmd_scan_sorted(const struct cmd *cmd, const char *dest, enum queue_state state,
    cmd_visit *visit, void *context, struct err *err)
{
	struct round round = {.room = ROUND_FIRST, .err = err};
	struct cmd_item item = {.state = state};
	char **grown;
	int rc;

	(void)snprintf(item.dest, sizeof(item.dest), "%s", dest);
	do {
		grown =
		    reallocarray(round.name, round.room, sizeof(*round.name));
		if (grown == NULL) {
			rc = err_sys(err, "sort the items");
			break;
		}
		round.name = grown;
		round.more = false;
		rc = cmd_scan(cmd, dest, state, keep, &round, err);
		if (rc == 0)
			rc = visit_all(&round, &item, visit, context);
		if (round.room < ROUND_MAX)
			round.room *= ROUND_GROWS;
	} while (rc == 0 && round.more);
	while (round.n > 0)
		free(round.name[--round.n]);
	free(round.name);
	return rc;
}

static int
keep(void *context, const struct cmd_item *item)
{
	struct round *round = context;
	char *name;

	if (strcmp(item->file, round->after) <= 0)
		return 0;
	if (round->n == round->room) {
		round->more = true;
		if (strcmp(item->file, round->name[0]) >= 0)
			return 0;
	}
	name = strdup(item->file);
	if (name == NULL)
		return err_sys(round->err, "sort the items");
	if (round->n < round->room) {
		round->name[round->n++] = name;
		/* Sorted backwards it is a heap. */
		if (round->n == round->room)
			qsort(round->name, round->n, sizeof(*round->name),
			    backwards);
		return 0;
	}
	free(round->name[0]);
	round->name[0] = name;
	sink(round);
	return 0;
}

/* The new root goes down to its place. */
static void
sink(struct round *round)
{
	char *name = round->name[0];
	size_t at = 0, child = 1;

	while (child < round->n) {
		if (child + 1 < round->n &&
		    strcmp(round->name[child + 1], round->name[child]) > 0)
			child++;
		if (strcmp(name, round->name[child]) >= 0)
			break;
		round->name[at] = round->name[child];
		at = child;
		child = 2 * at + 1;
	}
	round->name[at] = name;
}

static int
visit_all(
    struct round *round, struct cmd_item *item, cmd_visit *visit, void *context)
{
	size_t i;
	int rc = 0;

	if (round->n > 1)
		qsort(round->name, round->n, sizeof(*round->name), forwards);
	for (i = 0; i < round->n; i++) {
		(void)snprintf(
		    item->file, sizeof(item->file), "%s", round->name[i]);
		if (rc == 0)
			rc = visit(context, item);
		free(round->name[i]);
	}
	if (round->n > 0)
		(void)strcpy(round->after, item->file);
	round->n = 0;
	return rc;
}

static int
forwards(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
backwards(const void *a, const void *b)
{
	return forwards(b, a);
}
