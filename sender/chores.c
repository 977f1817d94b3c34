/*
 * Chores in slices, one destination after the other.
 *
 * Errors: a folder that cannot be read is logged; the next time may do.
 */
#include "../spool/clock.h"
#include "../spool/fs.h"
#include "chores.h"
#include "destination.h"
#include "expire.h"

#define SLICE_US 2000 /* between two looks at the events */
#define COST	 50   /* a chore takes at most one part in so many */

struct kind {
	void (*begin)(struct destination *dest);
	/* Does a part of a step: true when that is done. Some does not look
	 * at the time. */
	bool (*step)(struct destination *dest, unsigned step, int64_t until_us);
	unsigned steps;
	/* From the end of one to the begin of the next. */
	int64_t (*pause_ms)(const struct destination *dest);
};

static const struct kind kinds[CHORES] = {
    [CHORE_SCAN] = {scan_begin, scan_step, SCAN_STEPS, scan_pause_ms},
    [CHORE_EXPIRY] = {expire_begin, expire_step, EXPIRE_STEPS, expire_pause_ms},
};

static bool is_due(const struct chore *chore);
static void go_on(
    struct destination *dest, enum chore_kind kind, int64_t until_us);
static void end(struct destination *dest, enum chore_kind kind);

void
chores_want(struct destination *dest, enum chore_kind kind)
{
	dest->chore[kind].wanted = true;
}

void
chores_turn(struct sender *sender)
{
	struct destination *first = sender->chores_at, *dest;
	int64_t until_us = clock_mono_us() + SLICE_US;
	int kind;

	if (first == NULL)
		first = TAILQ_FIRST(&sender->destinations);
	dest = first;
	while (dest != NULL && clock_mono_us() < until_us) {
		for (kind = 0; kind < CHORES; kind++)
			if (is_due(&dest->chore[kind]))
				go_on(dest, (enum chore_kind)kind, until_us);
		dest = TAILQ_NEXT(dest, next);
		if (dest == NULL)
			dest = TAILQ_FIRST(&sender->destinations);
		sender->chores_at = dest;
		if (dest == first)
			break;
	}
}

int64_t
chores_due_ms(const struct destination *dest)
{
	int64_t due_ms = INT64_MAX;
	int kind;

	for (kind = 0; kind < CHORES; kind++) {
		if (dest->chore[kind].running || dest->chore[kind].wanted)
			return 0;
		if (dest->chore[kind].next_ms < due_ms)
			due_ms = dest->chore[kind].next_ms;
	}
	return due_ms;
}

void
chores_close(struct destination *dest)
{
	int kind;

	for (kind = 0; kind < CHORES; kind++)
		fs_folder_close(&dest->chore[kind].folder);
}

bool
chores_read(struct destination *dest, enum chore_kind kind, const char *path,
    void (*visit)(void *context, const char *file), void *context,
    int64_t until_us)
{
	struct chore *chore = &dest->chore[kind];
	const char *file;
	struct err err;
	int rc = -1;

	if (chore->folder == NULL)
		chore->folder =
		    fs_folder_open(dest->sender->spool.root_fd, path, &err);
	if (chore->folder != NULL)
		while ((rc = fs_folder_next(chore->folder, &file, &err)) == 1) {
			visit(context, file);
			if (clock_mono_us() >= until_us)
				return false;
		}
	if (rc == -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-read",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	return true;
}

static bool
is_due(const struct chore *chore)
{
	return chore->running || chore->wanted ||
	       clock_mono_ms() >= chore->next_ms;
}

static void
go_on(struct destination *dest, enum chore_kind kind, int64_t until_us)
{
	struct chore *chore = &dest->chore[kind];
	int64_t began_us = clock_mono_us();

	if (!chore->running) {
		chore->running = true;
		chore->wanted = false;
		chore->step = 0;
		chore->used_us = 0;
		kinds[kind].begin(dest);
	}
	while (chore->step < kinds[kind].steps && clock_mono_us() < until_us)
		if (kinds[kind].step(dest, chore->step, until_us)) {
			fs_folder_close(&chore->folder);
			chore->step++;
		}
	chore->used_us += clock_mono_us() - began_us;
	if (chore->step == kinds[kind].steps)
		end(dest, kind);
}

static void
end(struct destination *dest, enum chore_kind kind)
{
	struct chore *chore = &dest->chore[kind];
	int64_t pause_ms = kinds[kind].pause_ms(dest);

	if (chore->used_us / 1000 * COST > pause_ms)
		pause_ms = chore->used_us / 1000 * COST;
	chore->running = false;
	chore->next_ms = clock_mono_ms() + pause_ms;
}
