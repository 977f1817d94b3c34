/*
 * Destinations as the operator sees them, and which item a word means.
 *
 * Errors: ERR_USAGE for a word that names nothing that could be, or more than
 * one item; else as fs.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_filter.h"
#include "fs.h"

#define CANDIDATES_MAX 10 /* shown of those that a word could mean */

/* In this order; a better match ends the interest in the others. */
enum match {
	MATCH_NONE,
	MATCH_PART,
	MATCH_UID,
	MATCH_NAME
};

struct destinations {
	struct cmd_destination *list;
	size_t n, configured_n;
	const struct cmd *cmd;
	struct err *err;
};

struct scan {
	struct cmd_item item;
	cmd_visit *visit;
	void *context;
};

struct search {
	const struct cmd *cmd;
	const struct cmd_filter *filter;
	const char *word;
	enum match best;
	struct cmd_item found[CANDIDATES_MAX];
	size_t n; /* may be more than were kept */
	struct err *err;
};

static struct cmd_destination *add_destination(
    struct destinations *all, const char *name);
static int add_folder(void *context, const char *name);
static int compare_names(const void *a, const void *b);
static int visit_file(void *context, const char *file);
static int search_all(const struct cmd *cmd,
    const struct cmd_selection *selection, struct search *search, bool by_name,
    struct err *err);
static int look_up(
    struct search *search, const char *dest, enum queue_state state);
static int search_one(void *context, const struct cmd_item *item);
static bool is_there(const struct cmd *cmd, const struct cmd_item *item);
static enum match match_of(const char *word, const char *file);
static void print_candidates(const struct search *search);

int
cmd_destinations(const struct cmd *cmd, struct cmd_destination **list,
    size_t *n, struct err *err)
{
	struct destinations all = {.cmd = cmd, .err = err};
	struct cmd_destination *added;
	size_t i;

	for (i = 0; i < cmd->conf->destinations_n; i++) {
		added = add_destination(&all, cmd->conf->destinations[i].name);
		if (added == NULL)
			goto fail;
		added->configured = true;
	}
	all.configured_n = all.n;
	if (spool_scan_destinations(&cmd->spool, add_folder, &all, err) == -1)
		goto fail;
	if (all.n > all.configured_n)
		qsort(all.list + all.configured_n, all.n - all.configured_n,
		    sizeof(*all.list), compare_names);
	*list = all.list;
	*n = all.n;
	return 0;
fail:
	free(all.list);
	return -1;
}

int
cmd_select(const struct cmd *cmd, const char *word,
    struct cmd_selection *selection, struct err *err)
{
	const char *rest;

	*selection = (struct cmd_selection){.has_state = false};
	if (word == NULL)
		return 0;
	if (cmd_select_part(cmd, word, selection, &rest, err) == -1)
		return -1;
	if (selection->dest[0] == '\0')
		return err_set(err, ERR_USAGE,
		    "%s is no destination: neither in the configuration nor "
		    "in the spool",
		    word);
	if (*rest != '\0')
		return err_set(err, ERR_USAGE,
		    "%s: write DEST, or DEST/ with one of new, active, "
		    "deferred, hold, failed, sent, corrupt",
		    word);
	return 0;
}

/*
 * Takes "queue/", "DEST/" and "STATE/" from the front of word, as far as they
 * are there; *part is what remains.
 */
int
cmd_select_part(const struct cmd *cmd, const char *word,
    struct cmd_selection *selection, const char **part, struct err *err)
{
	struct cmd_destination *list = NULL;
	char state[16];
	size_t n = 0, i, size;

	*selection = (struct cmd_selection){.has_state = false};
	if (cmd_destinations(cmd, &list, &n, err) == -1)
		return -1;
	if (strncmp(word, PATH_QUEUE "/", sizeof(PATH_QUEUE)) == 0)
		word += sizeof(PATH_QUEUE);
	size = strcspn(word, "/");
	for (i = 0; i < n && selection->dest[0] == '\0'; i++)
		if (strlen(list[i].name) == size &&
		    memcmp(list[i].name, word, size) == 0)
			memcpy(selection->dest, list[i].name, size + 1);
	free(list);
	if (selection->dest[0] != '\0') {
		word += size;
		word += *word == '/';
		size = strcspn(word, "/");
		(void)snprintf(state, sizeof(state), "%.*s",
		    size < sizeof(state) ? (int)size : 0, word);
		if (queue_state_parse(state, &selection->state)) {
			selection->has_state = true;
			word += size;
			word += *word == '/';
		}
	}
	*part = word;
	return 0;
}

int
cmd_scan(const struct cmd *cmd, const char *dest, enum queue_state state,
    cmd_visit *visit, void *context, struct err *err)
{
	struct scan scan = {
	    .item.state = state, .visit = visit, .context = context};
	char path[PATH_SIZE];
	struct stat st;
	int there;

	(void)snprintf(scan.item.dest, sizeof(scan.item.dest), "%s", dest);
	path_state(path, dest, state);
	there = fs_stat(cmd->spool.root_fd, path, &st, err);
	if (there != 1)
		return there;
	return fs_scan(cmd->spool.root_fd, path, visit_file, &scan, err);
}

int
cmd_find(const struct cmd *cmd, const struct cmd_filter *filter,
    const char *word, struct cmd_item *item, struct err *err)
{
	struct cmd_selection selection = {.has_state = false};
	struct search search = {.cmd = cmd, .filter = filter, .err = err};
	int tries;

	if (cmd_select_part(cmd, word, &selection, &search.word, err) == -1)
		return -1;
	if (*search.word == '\0' || strchr(search.word, '/') != NULL)
		return err_set(err, ERR_USAGE,
		    "%s names no item: write its file name, a part of it, or "
		    "its SOP Instance UID, after DEST/ or DEST/STATE/",
		    word);
	if (name_is_item(search.word) &&
	    search_all(cmd, &selection, &search, true, err) == -1)
		return -1;
	/* An item that is moved meanwhile can be missed once. */
	for (tries = 0; tries < 2 && search.n == 0; tries++)
		if (search_all(cmd, &selection, &search, false, err) == -1)
			return -1;
	if (search.n > 1) {
		print_candidates(&search);
		return err_set(err, ERR_USAGE,
		    "%s could mean %zu items; name one with DEST/STATE/NAME",
		    word, search.n);
	}
	if (search.n == 1)
		*item = search.found[0];
	return search.n == 1;
}

int
cmd_sender_runs(const struct cmd *cmd, bool *runs, struct err *err)
{
	int fd, rc;

	fd = fs_open_dir(cmd->spool.root_fd, PATH_QUEUE, err);
	if (fd == -1)
		return -1;
	rc = spool_sender_runs(fd, err);
	(void)fs_close(&fd, PATH_QUEUE, NULL);
	*runs = rc == 1;
	return rc == -1 ? -1 : 0;
}

int
cmd_arrival(const struct cmd *cmd, const struct cmd_item *item,
    int64_t *arrived_us, int64_t *bytes, struct err *err)
{
	char path[PATH_SIZE];
	struct item_name name;
	struct stat st;
	int there;

	path_item(path, item->dest, item->state, item->file);
	there = fs_stat(cmd->spool.root_fd, path, &st, err);
	if (there != 1)
		return there;
	if (!S_ISREG(st.st_mode))
		return 0;
	*bytes = st.st_size;
	*arrived_us = name_parse(item->file, &name)
			  ? name.stamp_us
			  : (int64_t)st.st_mtim.tv_sec * 1000000;
	return 1;
}

/* NULL and *all->err. */
static struct cmd_destination *
add_destination(struct destinations *all, const char *name)
{
	struct cmd_destination *grown, *added;
	char path[PATH_SIZE];
	struct stat st;

	grown = reallocarray(all->list, all->n + 1, sizeof(*grown));
	if (grown == NULL) {
		(void)err_sys(all->err, "get memory for the destinations");
		return NULL;
	}
	all->list = grown;
	added = &all->list[all->n++];
	*added = (struct cmd_destination){.configured = false};
	(void)snprintf(added->name, sizeof(added->name), "%s", name);
	path_destination(path, name);
	added->has_folder =
	    fs_stat(all->cmd->spool.root_fd, path, &st, NULL) == 1 &&
	    S_ISDIR(st.st_mode);
	return added;
}

static int
add_folder(void *context, const char *name)
{
	struct destinations *all = context;
	const struct cmd_destination *added;

	if (!name_destination_valid(name) ||
	    conf_find_destination(all->cmd->conf, name) != NULL)
		return 0;
	added = add_destination(all, name);
	if (added == NULL)
		return -1;
	if (!added->has_folder)
		all->n--; /* a file */
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	const struct cmd_destination *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int
visit_file(void *context, const char *file)
{
	struct scan *scan = context;

	if (!name_is_item(file))
		return 0;
	(void)strcpy(scan->item.file, file);
	return scan->visit(scan->context, &scan->item);
}

/* by_name: the word is a whole file name. */
static int
search_all(const struct cmd *cmd, const struct cmd_selection *selection,
    struct search *search, bool by_name, struct err *err)
{
	struct cmd_destination *list = NULL;
	size_t n = 0, i;
	int state, rc;

	rc = cmd_destinations(cmd, &list, &n, err);
	for (i = 0; i < n && rc == 0; i++) {
		if (selection->dest[0] != '\0' &&
		    strcmp(selection->dest, list[i].name) != 0)
			continue;
		for (state = 0; state < QUEUE_STATES && rc == 0; state++) {
			if (selection->has_state &&
			    selection->state != (enum queue_state)state)
				continue;
			rc = by_name ? look_up(search, list[i].name,
					   (enum queue_state)state)
				     : cmd_scan(cmd, list[i].name,
					   (enum queue_state)state, search_one,
					   search, err);
		}
	}
	free(list);
	return rc;
}

/* xargs(1) brings them by the thousand. */
static int
look_up(struct search *search, const char *dest, enum queue_state state)
{
	struct cmd_item item = {.state = state};
	char path[PATH_SIZE];
	struct stat st;

	(void)snprintf(item.dest, sizeof(item.dest), "%s", dest);
	(void)snprintf(item.file, sizeof(item.file), "%s", search->word);
	path_item(path, dest, state, item.file);
	if (fs_stat(search->cmd->spool.root_fd, path, &st, NULL) != 1)
		return 0;
	return search_one(search, &item);
}

static int
search_one(void *context, const struct cmd_item *item)
{
	struct search *search = context;
	struct cmd_item *last;
	enum match match;
	int passes;

	match = match_of(search->word, item->file);
	if (match == MATCH_NONE || match < search->best)
		return 0;
	passes =
	    cmd_filter_matches(search->cmd, search->filter, item, search->err);
	if (passes != 1)
		return passes;
	if (match > search->best)
		search->n = 0;
	search->best = match;
	/* Moved on while we looked: it is one item, and where it is now. */
	last = &search->found[0];
	if (search->n == 1 && strcmp(last->dest, item->dest) == 0 &&
	    strcmp(last->file, item->file) == 0 && !is_there(search->cmd, last))
		search->n = 0;
	if (search->n < CANDIDATES_MAX)
		search->found[search->n] = *item;
	search->n++;
	return 0;
}

static bool
is_there(const struct cmd *cmd, const struct cmd_item *item)
{
	char path[PATH_SIZE];
	struct stat st;

	path_item(path, item->dest, item->state, item->file);
	return fs_stat(cmd->spool.root_fd, path, &st, NULL) != 0;
}

static enum match
match_of(const char *word, const char *file)
{
	struct item_name name;

	if (strcmp(word, file) == 0)
		return MATCH_NAME;
	if (name_parse(file, &name) && strcmp(word, name.uid) == 0)
		return MATCH_UID;
	return strstr(file, word) != NULL ? MATCH_PART : MATCH_NONE;
}

static void
print_candidates(const struct search *search)
{
	size_t i;

	for (i = 0; i < search->n && i < CANDIDATES_MAX; i++)
		cmd_put_item(stderr, &search->found[i], false);
	if (search->n > CANDIDATES_MAX)
		(void)fprintf(
		    stderr, "and %zu more\n", search->n - CANDIDATES_MAX);
}
