/*
 * Whose an item is stands in its envelope. It is read when a count first meets
 * the item's name, and known by that name until a count does not meet it any
 * more, in whatever folder: so what an operator moves or removes is counted
 * where it is, and what is in several queues is counted once.
 *
 * Errors: ERR_TEMPORARY where there is no memory. An item that is gone when it
 * is to be read is not counted; a peer for which there is no room has no limit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "../spool/fs.h"
#include "../spool/item.h"
#include "../spool/peer.h"
#include "sources.h"

#define NOBODY	    SHARED_PEERS
#define FIRST_ROOM  1024
#define BLOCK_BYTES 512

/* An item: whose, and how large. */
struct seen {
	uint64_t name; /* its hash */
	uint32_t peer, blocks;
};

struct list {
	struct seen *seen;
	size_t n, room;
};

struct sources {
	const struct spool *spool;
	struct shared *shared;
	struct list known; /* by the last count, in order of name */
	struct list now;   /* by this one, in any order */
	size_t lost;	   /* for want of memory */
	int64_t before[SHARED_PEERS], bytes[SHARED_PEERS];
};

static struct shared_peer *find(
    struct shared *shared, const char *peer, bool make);
static bool is_known(const struct sources *sources, struct seen *seen);
static bool read_item(
    const struct sources *sources, const char *path, struct seen *seen);
static void keep(struct sources *sources, const struct seen *seen);
static int compare(const void *a, const void *b);

bool
sources_is_full(struct shared *shared, const struct conf_receiver *receiver,
    const char *peer)
{
	const struct shared_peer *entry;

	if (receiver->max_queue_bytes_per_peer == 0)
		return false;
	entry = find(shared, peer, false);
	return entry != NULL && atomic_load(&entry->bytes.counted) +
					atomic_load(&entry->bytes.added) >=
				    receiver->max_queue_bytes_per_peer;
}

void
sources_add(struct shared *shared, const struct conf_receiver *receiver,
    const char *peer, int64_t bytes)
{
	struct shared_peer *entry;

	if (receiver->max_queue_bytes_per_peer == 0)
		return;
	entry = find(shared, peer, true);
	if (entry != NULL)
		(void)atomic_fetch_add(&entry->bytes.added, bytes);
}

struct sources *
sources_create(
    const struct spool *spool, struct shared *shared, struct err *err)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (sources == NULL) {
		(void)err_sys(err, "get memory to count by peers");
		return NULL;
	}
	sources->spool = spool;
	sources->shared = shared;
	return sources;
}

void
sources_free(struct sources *sources)
{
	if (sources == NULL)
		return;
	free(sources->known.seen);
	free(sources->now.seen);
	free(sources);
}

void
sources_begin(struct sources *sources)
{
	struct shared_peer *peers = sources->shared->common->peers;
	size_t i;

	sources->now.n = sources->lost = 0;
	for (i = 0; i < SHARED_PEERS; i++) {
		sources->bytes[i] = sources->before[i] = 0;
		if (atomic_load(&peers[i].host) != 0)
			sources->before[i] = atomic_load(&peers[i].bytes.added);
	}
}

void
sources_see(struct sources *sources, const char *dest, enum queue_state state,
    const char *file)
{
	struct seen seen = {.name = XXH3_64bits(file, strlen(file))};
	char path[PATH_SIZE];

	if (!is_known(sources, &seen)) {
		path_item(path, dest, state, file);
		if (!read_item(sources, path, &seen))
			return;
	}
	keep(sources, &seen);
}

int
sources_settle(struct sources *sources, struct err *err)
{
	struct shared_peer *peers = sources->shared->common->peers;
	const struct list now = sources->now;
	size_t i;

	if (now.n > 0)
		qsort(now.seen, now.n, sizeof(*now.seen), compare);
	for (i = 0; i < now.n; i++)
		/* once, in however many queues */
		if (now.seen[i].peer != NOBODY &&
		    (i == 0 || now.seen[i].name != now.seen[i - 1].name))
			sources->bytes[now.seen[i].peer] +=
			    (int64_t)now.seen[i].blocks * BLOCK_BYTES;
	for (i = 0; i < SHARED_PEERS; i++) {
		if (atomic_load(&peers[i].host) == 0)
			continue;
		atomic_store(&peers[i].bytes.counted, sources->bytes[i]);
		(void)atomic_fetch_sub(
		    &peers[i].bytes.added, sources->before[i]);
	}
	sources->now = sources->known;
	sources->known = now;
	if (sources->lost == 0)
		return 0;
	errno = ENOMEM;
	return err_sys(err, "count %zu of %zu items", sources->lost,
	    sources->lost + now.n);
}

/* The peer's place, from the one that its address says on. Where it has none,
 * a free one becomes its own, or NULL. */
static struct shared_peer *
find(struct shared *shared, const char *peer, bool make)
{
	uint64_t host, there;
	size_t at, i;

	if (!peer_host(peer, &host))
		return NULL;
	at = XXH3_64bits(&host, sizeof(host)) % SHARED_PEERS;
	for (i = 0; i < SHARED_PEERS; i++, at = (at + 1) % SHARED_PEERS) {
		there = atomic_load(&shared->common->peers[at].host);
		if (there == 0 && !make)
			return NULL;
		if (there == 0 &&
		    atomic_compare_exchange_strong(
			&shared->common->peers[at].host, &there, host))
			there = host;
		if (there == host)
			return &shared->common->peers[at];
	}
	return NULL;
}

static bool
is_known(const struct sources *sources, struct seen *seen)
{
	const struct list *known = &sources->known;
	const struct seen *found;

	if (known->n == 0)
		return false;
	found =
	    bsearch(seen, known->seen, known->n, sizeof(*known->seen), compare);
	if (found != NULL)
		*seen = *found;
	return found != NULL;
}

/* false: it is gone, and will be met elsewhere. */
static bool
read_item(const struct sources *sources, const char *path, struct seen *seen)
{
	char peer[ENVELOPE_PEER_SIZE];
	const struct shared_peer *entry = NULL;
	struct stat st;
	off_t blocks;

	if (item_peek_peer(sources->spool, path, peer))
		entry = find(sources->shared, peer, true);
	if (fs_stat(sources->spool->root_fd, path, &st, NULL) != 1)
		return false;
	blocks = (st.st_size + BLOCK_BYTES - 1) / BLOCK_BYTES;
	seen->blocks = blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
	seen->peer = entry == NULL
			 ? NOBODY
			 : (uint32_t)(entry - sources->shared->common->peers);
	return true;
}

static void
keep(struct sources *sources, const struct seen *seen)
{
	struct list *now = &sources->now;
	size_t room = now->room == 0 ? FIRST_ROOM : now->room + now->room / 2;
	struct seen *more;

	if (now->n == now->room) {
		more = realloc(now->seen, room * sizeof(*more));
		if (more == NULL) {
			sources->lost++;
			return;
		}
		now->seen = more;
		now->room = room;
	}
	now->seen[now->n++] = *seen;
}

static int
compare(const void *a, const void *b)
{
	const struct seen *one = a, *other = b;

	return one->name < other->name ? -1 : one->name > other->name;
}
