/*
 * One destination: what is looked at, what is indexed, what is given to a
 * lane, and when.
 *
 * Errors: what cannot be indexed is logged, and made up for by the next scan.
 */
#include <stdlib.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/fs.h"
#include "../spool/item.h"
#include "../spool/stamp.h"
#include "destination.h"
#include "down.h"
#include "lanes.h"
#include "settle.h"
#include "waited.h"

#define FRESH_US 1000000

static void look(struct destination *dest, enum queue_state state,
    const char *file, bool was_told);
static void look_again(struct destination *dest, struct index_item *item,
    enum queue_state state, const char *file);
static void look_everywhere(struct destination *dest, const char *file);
static void look_first(struct destination *dest, const struct item_name *name,
    enum queue_state state, const char *file, bool was_told);
static bool is_there(
    const struct destination *dest, enum queue_state state, const char *file);
static bool is_fresh(const struct destination *dest,
    const struct item_name *name, enum queue_state state);
static bool is_waited(
    struct destination *dest, enum queue_state state, const char *file);
static void hurry_resend(struct destination *dest, const char *uid);
static void look_paused(struct destination *dest);
static bool next_job(struct destination *dest);
static bool deliver_next(struct destination *dest);
static int64_t items_due_ms(const struct destination *dest);
static int64_t earlier(int64_t a_ms, int64_t b_ms);

struct destination *
destination_create(struct sender *sender, const char *name, struct err *err)
{
	struct destination *dest;
	int i;

	if (spool_make_destination(&sender->spool, name, err) == -1)
		return NULL;
	dest = calloc(1, sizeof(*dest));
	if (dest == NULL) {
		(void)err_sys(err, "get memory for destination %s", name);
		return NULL;
	}
	dest->sender = sender;
	counters_set(
	    counters_add(sender->counters, name), COUNTERS_UP_SINCE_US, 0);
	(void)strcpy(dest->name, name);
	index_init(&dest->index);
	foreign_init(dest);
	TAILQ_INIT(&dest->lanes);
	for (i = 0; i < DESTINATION_WATCHES; i++)
		dest->wd[i] = -1;
	chores_want(dest, CHORE_SCAN);
	TAILQ_INSERT_TAIL(&sender->destinations, dest, next);
	return dest;
}

void
destination_free(struct destination *dest)
{
	TAILQ_REMOVE(&dest->sender->destinations, dest, next);
	chores_close(dest);
	foreign_clear(dest);
	index_clear(&dest->index);
	free(dest);
}

const struct conf_destination *
destination_settings(const struct destination *dest)
{
	/* Those of dcmspool.conf(5), for what is still under way to one that
	 * has been taken out. */
	static const struct conf_destination defaults = {
	    .retry_min_s = 1, .retry_max_s = 300, .max_attempts = 50};

	return dest->conf == NULL ? &defaults : dest->conf;
}

void
destination_configure(struct destination *dest)
{
	bool was_known = dest->conf != NULL;

	if (!dest->scan.known)
		return;
	chores_want(dest, CHORE_EXPIRY);
	dest->conf = conf_find_destination(dest->sender->conf, dest->name);
	if (dest->conf == NULL || !was_known) {
		dest->is_down = false;
		down_restore(dest);
	}
}

void
destination_look(
    struct destination *dest, enum queue_state state, const char *file)
{
	look(dest, state, file, true);
}

void
destination_find(
    struct destination *dest, enum queue_state state, const char *file)
{
	look(dest, state, file, false);
}

void
destination_lost(struct destination *dest, struct index_item *item)
{
	char file[NAME_ITEM_SIZE];

	index_file(item, file);
	index_remove(&dest->index, item, clock_mono_ms());
	look_everywhere(dest, file);
}

void
destination_forget(struct destination *dest, struct index_item *item)
{
	if (item->twice)
		destination_lost(dest, item);
	else
		index_remove(&dest->index, item, clock_mono_ms());
}

void
destination_look_around(struct destination *dest, struct index_item *item)
{
	char file[NAME_ITEM_SIZE];

	if (!item->twice)
		return;
	item->twice = false;
	index_file(item, file);
	look_everywhere(dest, file);
}

void
destination_look_self(struct destination *dest, const char *file)
{
	enum queue_state state;

	if (strcmp(file, "paused") == 0)
		look_paused(dest);
	else if (strcmp(file, "down") == 0)
		down_look(dest);
	else if (queue_state_parse(file, &state))
		scan_after_loss(dest); /* a folder was made anew */
}

void
destination_run(struct destination *dest)
{
	if (dest->conf == NULL || dest->paused || dest->sender->stop)
		return;
	if (dest->is_down) {
		while (foreign_inspect(dest))
			continue;
		down_probe(dest);
		return;
	}
	while (next_job(dest))
		continue;
}

int64_t
destination_due_ms(struct destination *dest)
{
	int64_t due_ms;

	if (dest->conf == NULL || dest->paused || dest->sender->stop)
		return -1;
	/* What is due before there is a lane for it has to wait, too. */
	due_ms = lanes_due_ms(dest);
	if (due_ms != 0)
		return due_ms;
	due_ms = foreign_due_ms(dest);
	if (!dest->is_down)
		return earlier(due_ms, items_due_ms(dest));
	return dest->probing ? due_ms : earlier(due_ms, dest->probe_due_ms);
}

/* was_told: by an event, or by ourselves; else a scan has found it. */
static void
look(struct destination *dest, enum queue_state state, const char *file,
    bool was_told)
{
	struct index_item *item;
	struct item_name name;

	if (!name_is_item(file))
		return;
	if (!name_parse(file, &name)) {
		if (state != QUEUE_FAILED)
			foreign_look(dest, state, file);
		return;
	}
	stamp_raise(dest->sender->stamps, name.stamp_us);
	item = index_find(&dest->index, &name);
	if (item == NULL) {
		look_first(dest, &name, state, file, was_told);
		return;
	}
	if (was_told && !dest->scan.lost && index_is_unsure(&dest->index, item))
		index_set_unsure(&dest->index, item, false, clock_mono_ms());
	look_again(dest, item, state, file);
}

/*
 * It may have been moved by hand; or the event is older than what we did. One
 * name in two folders is one item at a time: that which is sent first.
 */
static void
look_again(struct destination *dest, struct index_item *item,
    enum queue_state state, const char *file)
{
	enum queue_state was = (enum queue_state)item->state;

	item->generation = dest->scan.generation;
	if (was == state)
		return;
	item->twice = true;
	if (item->in_flight || !is_there(dest, state, file))
		return;
	if (was < state) {
		if (!is_there(dest, was, file))
			destination_lost(dest, item);
		return;
	}
	index_set_state(&dest->index, item, state);
	item->record_read = false;
	item->answer_lost =
	    false; /* the record says; these may be other bytes */
	item->attempts = 0;
	item->breaks = item->deaths = 0;
	item->last_ms = 0;
	index_set_due(&dest->index, item, 0, clock_mono_ms());
	hurry_resend(dest, item->uid);
}

static bool
is_there(
    const struct destination *dest, enum queue_state state, const char *file)
{
	char path[PATH_SIZE];
	struct stat st;

	path_item(path, dest->name, state, file);
	return fs_stat(dest->sender->spool.root_fd, path, &st, NULL) == 1;
}

static void
look_everywhere(struct destination *dest, const char *file)
{
	static const enum queue_state states[] = {
	    QUEUE_NEW, QUEUE_DEFERRED, QUEUE_FAILED};
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (is_there(dest, states[i], file))
			destination_look(dest, states[i], file);
}

static void
look_first(struct destination *dest, const struct item_name *name,
    enum queue_state state, const char *file, bool was_told)
{
	struct index_item *item;

	item = index_insert(&dest->index, name, state);
	if (item == NULL) {
		LOG(LOG_LEVEL_ERROR, "no-memory",
		    LOG_STR("destination", dest->name), LOG_STR("item", file));
		return;
	}
	item->generation = dest->scan.generation;
	item->record_read = is_fresh(dest, name, state);
	item->waited = is_waited(dest, state, file);
	index_set_unsure(&dest->index, item,
	    dest->scan.known && (!was_told || dest->scan.lost),
	    clock_mono_ms());
	if (state == QUEUE_FAILED)
		return;
	hurry_resend(dest, item->uid);
	if (item->waited)
		down_hurry(dest);
}

/* It was published just now, so nobody has tried it yet: it has no record. */
static bool
is_fresh(const struct destination *dest, const struct item_name *name,
    enum queue_state state)
{
	return state == QUEUE_NEW &&
	       name->stamp_us > dest->sender->started_us &&
	       name->stamp_us > clock_real_us() - FRESH_US;
}

/*
 * Whether somebody waits for it: its association's folder is there. Not asked
 * where it could not be so any more, nor where it will be sent at once.
 */
static bool
is_waited(struct destination *dest, enum queue_state state, const char *file)
{
	char path[PATH_SIZE], association[PATH_ASSOCIATION_SIZE];
	const struct spool *spool = &dest->sender->spool;
	struct item_name name;
	struct stat st;

	if (state == QUEUE_FAILED || !name_parse(file, &name) ||
	    name.stamp_us <
		clock_real_us() -
		    waited_longest_us(dest->sender->conf, dest->conf))
		return false;
	if (!dest->is_down && !dest->busy && dest->in_flight == 0 &&
	    dest->index.items_n == 1)
		return false;
	path_item(path, dest->name, state, file);
	if (!item_peek_association(spool, path, association))
		return false;
	path_association(path, association);
	return fs_stat(spool->root_fd, path, &st, NULL) == 1;
}

/* A resend makes the deferred one due, RetryMin after its last try. */
static void
hurry_resend(struct destination *dest, const char *uid)
{
	struct index_item *head = index_head(&dest->index, uid);
	int64_t soon_ms;

	if (head == NULL || head->order != INDEX_TIMER ||
	    !index_has_follower(&dest->index, head))
		return;
	soon_ms = head->last_ms +
		  (int64_t)destination_settings(dest)->retry_min_s * 1000;
	if (soon_ms < head->due_ms)
		index_set_due(&dest->index, head, soon_ms, clock_mono_ms());
}

static void
look_paused(struct destination *dest)
{
	char path[PATH_SIZE];
	struct stat st;
	bool paused;

	path_paused(path, dest->name);
	paused = fs_stat(dest->sender->spool.root_fd, path, &st, NULL) == 1;
	if (paused == dest->paused)
		return;
	dest->paused = paused;
	LOG(LOG_LEVEL_INFO, paused ? "paused" : "resumed",
	    LOG_STR("destination", dest->name));
}

/* Items and foreign files in turn: neither keeps the other waiting, however
 * many there are. */
static bool
next_job(struct destination *dest)
{
	if (dest->foreign_next && foreign_inspect(dest)) {
		dest->foreign_next = false;
		return true;
	}
	if (deliver_next(dest)) {
		dest->foreign_next = true;
		return true;
	}
	return foreign_inspect(dest);
}

/* false where there is nothing to give, or nobody to give it to. */
static bool
deliver_next(struct destination *dest)
{
	struct lane_job job = {.kind = LANE_DELIVER, .state = QUEUE_ACTIVE};
	int64_t now_ms = clock_mono_ms(), since_us;
	char file[NAME_ITEM_SIZE];
	struct lane_handle *lane;
	struct index_item *item;

	if (dest->busy && (dest->in_flight > 0 || now_ms < dest->busy_until_ms))
		return false;
	since_us =
	    clock_real_us() - waited_longest_us(dest->sender->conf, dest->conf);
	item = index_pick(&dest->index, now_ms, since_us);
	if (item == NULL)
		return false;
	lane = lanes_get(dest);
	if (lane == NULL)
		return false;
	if (!settle_take(dest, item, file))
		return true; /* that one not; perhaps the next */
	(void)strcpy(job.file, file);
	job.answer_lost = item->answer_lost;
	job.attempts = item->attempts;
	job.breaks = item->breaks;
	job.deaths = item->deaths;
	job.first_us = item->first_us;
	lane->item = item;
	lanes_give(lane, &job);
	return true;
}

/* As deliver_next, while there are lanes. */
static int64_t
items_due_ms(const struct destination *dest)
{
	int64_t due_ms;

	if (dest->busy && dest->in_flight > 0)
		return -1; /* that one tells */
	due_ms = index_next_due_ms(&dest->index);
	if (dest->busy && due_ms != -1 && due_ms < dest->busy_until_ms)
		due_ms = dest->busy_until_ms;
	return due_ms;
}

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == -1)
		return b_ms;
	if (b_ms == -1)
		return a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}
