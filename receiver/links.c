/*
 * Links that are down, in shared memory.
 *
 * Errors: ERR_CONFIG for too many destinations. A record that cannot be read
 * counts as none, and is logged.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/link.h"
#include "../spool/log.h"
#include "links.h"

static const struct shared_link *find(
    const struct shared *shared, const char *dest);

int
links_prepare(struct shared *shared, const struct conf *conf, struct err *err)
{
	const char *name;
	size_t i, n;

	for (i = 0; i < conf->destinations_n; i++) {
		name = conf->destinations[i].name;
		if (find(shared, name) != NULL)
			continue;
		n = shared->links_n;
		if (n == SHARED_LINKS)
			return err_set(err, ERR_CONFIG,
			    "more than %d destinations; a restart forgets "
			    "those that are no longer there",
			    SHARED_LINKS);
		(void)snprintf(shared->links[n].name,
		    sizeof(shared->links[n].name), "%s", name);
		shared->links[n].since_ms = &shared->told->link_since_ms[n];
		atomic_store(&shared->tell->link_since_ms[n], LINKS_UP);
		shared->links_n++;
	}
	return 0;
}

void
links_look(
    struct shared *shared, const struct spool *spool, const struct conf *conf)
{
	struct err err = {.class = ERR_NONE};
	const struct shared_link *link;
	struct link_down down;
	const char *name;
	int64_t since_ms;
	size_t i;
	int rc;

	for (i = 0; i < conf->destinations_n; i++) {
		name = conf->destinations[i].name;
		link = find(shared, name);
		if (link == NULL)
			continue;
		rc = link_read_down(spool->root_fd, name, &down, &err);
		since_ms = rc == 1 ? link_down_since_mono_ms(&down) : LINKS_UP;
		if (rc == -1 && atomic_load(link->since_ms) == LINKS_UP)
			LOG(LOG_LEVEL_WARNING, "link-unknown",
			    LOG_STR("destination", name),
			    LOG_STR("error", err.text));
		atomic_store(&shared->tell->link_since_ms[link - shared->links],
		    since_ms);
	}
}

int64_t
links_since_ms(const struct shared *shared, const char *dest)
{
	const struct shared_link *link = find(shared, dest);

	return link == NULL ? LINKS_UP : atomic_load(link->since_ms);
}

static const struct shared_link *
find(const struct shared *shared, const char *dest)
{
	size_t i;

	for (i = 0; i < shared->links_n; i++)
		if (strcmp(shared->links[i].name, dest) == 0)
			return &shared->links[i];
	return NULL;
}
