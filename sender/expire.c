/*
 * The end of what is kept.
 *
 * Errors: logged; the next round tries again.
 */
#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/keep.h"
#include "../spool/label.h"
#include "account.h"
#include "destination.h"
#include "expire.h"
#include "moves.h"

#define PAUSE_MAX_S 60
#define US_PER_S    1000000

struct expiry {
	struct destination *dest;
	enum queue_state state;
	int64_t keep_s, now_s; /* real time */
};

static bool expire_state(struct destination *dest, enum queue_state state,
    int64_t keep_s, int64_t until_us);
static void expire_item(void *context, const char *file);
static void remove_temporary(struct destination *dest, const char *file);

void
expire_begin(struct destination *dest)
{
	dest->expired = 0;
}

bool
expire_step(struct destination *dest, unsigned step, int64_t until_us)
{
	const struct conf_destination *conf = dest->conf;

	if (conf == NULL)
		return true;
	/* 0 keeps nothing: what an earlier setting kept goes, too. */
	if (step == EXPIRE_SENT)
		return expire_state(
		    dest, QUEUE_SENT, conf->keep_sent_s, until_us);
	/* 0 keeps it for ever. */
	return conf->keep_failed_s == 0 ||
	       expire_state(dest, QUEUE_FAILED, conf->keep_failed_s, until_us);
}

int64_t
expire_pause_ms(const struct destination *dest)
{
	const struct conf_destination *conf = dest->conf;
	int64_t pause_s = PAUSE_MAX_S;

	if (conf != NULL && conf->keep_sent_s > 0 &&
	    conf->keep_sent_s < pause_s)
		pause_s = conf->keep_sent_s;
	if (conf != NULL && conf->keep_failed_s > 0 &&
	    conf->keep_failed_s < pause_s)
		pause_s = conf->keep_failed_s;
	return pause_s * 1000;
}

static bool
expire_state(struct destination *dest, enum queue_state state, int64_t keep_s,
    int64_t until_us)
{
	struct expiry expiry = {.dest = dest,
	    .state = state,
	    .keep_s = keep_s,
	    .now_s = clock_real_us() / US_PER_S};
	char path[PATH_SIZE];

	path_state(path, dest->name, state);
	if (!chores_read(
		dest, CHORE_EXPIRY, path, expire_item, &expiry, until_us))
		return false;
	if (dest->expired > 0)
		LOG(LOG_LEVEL_INFO, "expired",
		    LOG_STR("destination", dest->name),
		    LOG_STR("state", queue_state_name(state)),
		    LOG_INT("items", dest->expired));
	dest->expired = 0;
	return true;
}

static void
expire_item(void *context, const char *file)
{
	struct expiry *expiry = context;
	struct destination *dest = expiry->dest;
	char path[PATH_SIZE], label[LABEL_SIZE];
	struct index_item *item;
	struct stat st;

	path_item(path, dest->name, expiry->state, file);
	if (!name_is_item(file) ||
	    fs_stat(dest->sender->spool.root_fd, path, &st, NULL) != 1 ||
	    !S_ISREG(st.st_mode) ||
	    !keep_is_over(expiry->state, expiry->keep_s, st.st_ctim.tv_sec,
		expiry->now_s))
		return;
	item = index_find_file(&dest->index, file);
	if (item != NULL && item->state != expiry->state)
		return;
	if (item != NULL && item->in_flight)
		return; /* the newest of equals that are being settled */
	label_path(dest->sender->spool.root_fd, path, file, label);
	if (moves_remove(dest, expiry->state, file) != 1)
		return;
	(void)moves_remove_record(dest, file);
	dest->expired++;
	account_gone(dest, "expired", label);
	if (item != NULL)
		destination_lost(dest, item);
}

/* Looked for in the order in which items move, and twice: an operator may move
 * it in between. */
void
expire_record(void *context, const char *file)
{
	struct destination *dest = context;
	char path[PATH_SIZE], label[LABEL_SIZE];
	struct stat st;
	int i, there;

	if (fs_is_temporary(file) && !dest->scan.stamped)
		remove_temporary(dest, file);
	if (!name_is_item(file) || index_find_file(&dest->index, file) != NULL)
		return;
	for (i = 0; i < 2 * QUEUE_STATES; i++) {
		path_item(path, dest->name,
		    (enum queue_state)(i % QUEUE_STATES), file);
		there = fs_stat(dest->sender->spool.root_fd, path, &st, NULL);
		if (there != 0)
			return; /* or that is not known */
	}
	path_record(path, dest->name, file);
	label_path(dest->sender->spool.root_fd, path, file, label);
	if (moves_remove_record(dest, file) == 1)
		LOG(LOG_LEVEL_INFO, "record-removed",
		    LOG_STR("destination", dest->name), LOG_STR("item", label));
}

/* Somebody else may be writing one just now. */
static void
remove_temporary(struct destination *dest, const char *file)
{
	int root_fd = dest->sender->spool.root_fd;
	char path[PATH_SIZE];
	struct stat st;

	path_record(path, dest->name, file);
	if (fs_stat(root_fd, path, &st, NULL) == 1 &&
	    st.st_ctim.tv_sec * US_PER_S + st.st_ctim.tv_nsec / 1000 <
		dest->sender->started_us)
		(void)fs_unlink(root_fd, path, NULL);
}
