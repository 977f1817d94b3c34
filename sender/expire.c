/*
 * The end of what is kept.
 *
 * Errors: logged; the next round tries again.
 */
#include "account.h"
#include "expire.h"
#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/keep.h"
#include "moves.h"

#define INTERVAL_MAX_S 60

struct expiry {
	struct destination *dest;
	enum queue_state state;
	int64_t keep_s, now_s; /* real time */
	int64_t removed;
};

static void expire_state(
    struct destination *dest, enum queue_state state, int64_t keep_s);
static int expire_item(void *context, const char *file);
static int expire_record(void *context, const char *file);

void
expire_destination(struct destination *dest)
{
	if (dest->conf == NULL)
		return;
	/* 0 keeps nothing: what an earlier setting kept goes, too. */
	expire_state(dest, QUEUE_SENT, dest->conf->keep_sent_s);
	/* 0 keeps it for ever. */
	if (dest->conf->keep_failed_s > 0)
		expire_state(dest, QUEUE_FAILED, dest->conf->keep_failed_s);
}

void
expire_records(struct destination *dest)
{
	char path[PATH_SIZE];
	struct err err;

	path_records(path, dest->name);
	if (fs_scan(dest->sender->spool.root_fd, path, expire_record, dest,
		&err) == -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-read",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
}

int64_t
expire_interval_ms(const struct conf *conf)
{
	const struct conf_destination *dest;
	int64_t shortest_s = INTERVAL_MAX_S;
	size_t i;

	for (i = 0; i < conf->destinations_n; i++) {
		dest = &conf->destinations[i];
		if (dest->keep_sent_s > 0 && dest->keep_sent_s < shortest_s)
			shortest_s = dest->keep_sent_s;
		if (dest->keep_failed_s > 0 && dest->keep_failed_s < shortest_s)
			shortest_s = dest->keep_failed_s;
	}
	return shortest_s * 1000;
}

static void
expire_state(struct destination *dest, enum queue_state state, int64_t keep_s)
{
	struct expiry expiry = {.dest = dest,
	    .state = state,
	    .keep_s = keep_s,
	    .now_s = clock_real_us() / 1000000};
	char path[PATH_SIZE];
	struct err err;

	path_state(path, dest->name, state);
	if (fs_scan(dest->sender->spool.root_fd, path, expire_item, &expiry,
		&err) == -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-read",
		    LOG_STR("destination", dest->name),
		    LOG_STR("reason", err.text));
	if (expiry.removed > 0)
		LOG(LOG_LEVEL_INFO, "expired",
		    LOG_STR("destination", dest->name),
		    LOG_STR("state", queue_state_name(state)),
		    LOG_INT("items", expiry.removed));
}

static int
expire_item(void *context, const char *file)
{
	struct expiry *expiry = context;
	struct destination *dest = expiry->dest;
	struct index_item *item;
	char path[PATH_SIZE];
	struct stat st;

	path_item(path, dest->name, expiry->state, file);
	if (!name_is_item(file) ||
	    fs_stat(dest->sender->spool.root_fd, path, &st, NULL) != 1 ||
	    !S_ISREG(st.st_mode) ||
	    !keep_is_over(expiry->state, expiry->keep_s, st.st_ctim.tv_sec,
		expiry->now_s))
		return 0;
	item = index_find_file(&dest->index, file);
	if (item != NULL && item->state != expiry->state)
		return 0;
	if (item != NULL && item->in_flight)
		return 0; /* the newest of equals that are being settled */
	if (moves_remove(dest, expiry->state, file) != 1)
		return 0;
	(void)moves_remove_record(dest, file);
	expiry->removed++;
	account_gone(dest, "expired", file);
	if (item != NULL)
		index_remove(&dest->index, item, clock_mono_ms());
	return 0;
}

/* Looked for in the order in which items move, and twice: an operator may move
 * it in between. */
static int
expire_record(void *context, const char *file)
{
	struct destination *dest = context;
	char path[PATH_SIZE];
	struct stat st;
	int i, there;

	if (!name_is_item(file) || index_find_file(&dest->index, file) != NULL)
		return 0;
	for (i = 0; i < 2 * QUEUE_STATES; i++) {
		path_item(path, dest->name,
		    (enum queue_state)(i % QUEUE_STATES), file);
		there = fs_stat(dest->sender->spool.root_fd, path, &st, NULL);
		if (there != 0)
			return 0; /* or that is not known */
	}
	if (moves_remove_record(dest, file) == 1)
		LOG(LOG_LEVEL_INFO, "record-removed",
		    LOG_STR("destination", dest->name), LOG_STR("item", file));
	return 0;
}
