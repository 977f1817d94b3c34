/*
 * What a lane tells its parent, and what becomes of the items: a lane parses
 * what strangers send, and may be theirs. The first byte says what it was told
 * to do; then come reports as they are in memory, the last one perhaps short,
 * while it has work. Whatever it says, no file is lost that it did not call
 * delivered, and none comes to lie elsewhere.
 *
 * Errors: what does not hold aborts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../sender/connector.h"
#include "../../sender/lanes.h"
#include "../../sender/settle.h"
#include "../../spool/counters.h"
#include "../../spool/fs.h"
#include "../../spool/ledger.h"
#include "../../spool/stamp.h"
#include "fuzz.h"

#define ITEM	"20260101T000000.000001Z-m7-1.2.3.dcm"
#define RESEND	"20260101T000000.000002Z-m8-1.2.3.dcm"
#define FOREIGN "foreign.dcm"
#define WAITING "result/20260101T000000.000000Z-1"

static struct sender sender;

static void set_up(void);
static struct destination *make_destination(void);
static struct lane_handle *make_lane(struct destination *dest);
static void give_job(struct lane_handle *lane, uint8_t kind);
static void never_called(void *context);
static bool is_alive(
    const struct destination *dest, const struct lane_handle *lane);
static size_t count_items(void);
static size_t empty(const char *folder);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct destination *dest;
	struct lane_handle *lane;
	struct lane_report report;
	bool delivered = false, taken = false;
	size_t part;

	if (size == 0)
		return 0;
	if (sender.conf == NULL)
		set_up();
	dest = make_destination();
	lane = make_lane(dest);
	give_job(lane, data[0]);
	for (data++, size--; size > 0; data += part, size -= part) {
		part = size < sizeof(report) ? size : sizeof(report);
		if (part == sizeof(struct connector_request))
			break; /* would fork */
		memset(&report, 0, sizeof(report));
		memcpy(&report, data, part);
		lanes_take(lane, &report, part);
		if (!is_alive(dest, lane))
			break;
		taken = true;
		delivered = delivered || report.outcome == LANE_ANSWERED;
		if (!lane->busy)
			break;
	}
	lanes_kill(dest);
	FUZZ_CHECK(dest->in_flight == 0 && dest->lanes_n == 0);
	if (!delivered)
		FUZZ_CHECK(count_items() == 3);
	destination_free(dest);
	(void)count_items();
	(void)empty(WAITING);
	(void)empty("queue/pacs/result");
	FUZZ_CHECK(empty("result") == 1 && empty("tmp") == 0);
	if (taken && delivered)
		fuzz_reached();
	return 0;
}

static void
set_up(void)
{
	struct err err;

	fuzz_world(1, &sender.conf, &sender.spool);
	sender.conf->destinations[0].keep_sent_s = 1;
	TAILQ_INIT(&sender.destinations);
	sender.watch_fd = sender.queue_wd = sender.signal_fd = -1;
	sender.counters = counters_open(&sender.spool, &err);
	sender.ledger = ledger_open("", &err);
	sender.stamps = stamp_source_create(0, &err);
	sender.loop = loop_create(&err);
	FUZZ_CHECK(sender.counters != NULL && sender.ledger != NULL &&
		   sender.stamps != NULL && sender.loop != NULL);
	FUZZ_CHECK(fs_mkdir(sender.spool.root_fd, WAITING, &err) == 0);
}

static struct destination *
make_destination(void)
{
	static const char *const files[] = {ITEM, RESEND, FOREIGN};
	char path[256];
	struct destination *dest;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/queue/pacs/new/%s",
		    sender.conf->storage_location, files[i]);
		fuzz_write(path, "x", 1);
	}
	dest = destination_create(&sender, "pacs", &err);
	FUZZ_CHECK(dest != NULL);
	/* What is there, we say. */
	dest->scan.known = dest->scan.stamped = true;
	destination_configure(dest);
	FUZZ_CHECK(dest->conf != NULL);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		destination_look(dest, QUEUE_NEW, files[i]);
	return dest;
}

static struct lane_handle *
make_lane(struct destination *dest)
{
	struct lane_handle *lane;
	struct err err;
	int pair[2];

	lane = calloc(1, sizeof(*lane));
	FUZZ_CHECK(lane != NULL);
	FUZZ_CHECK(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	(void)close(pair[1]);
	lane->dest = dest;
	lane->socket_fd = pair[0];
	lane->shared = mmap(NULL, sizeof(*lane->shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FUZZ_CHECK(lane->shared != MAP_FAILED);
	FUZZ_CHECK(
	    loop_add(sender.loop, pair[0], never_called, lane, &err) == 0);
	TAILQ_INSERT_HEAD(&dest->lanes, lane, next);
	dest->lanes_n++;
	return lane;
}

/* No loop turns here. */
static void
never_called(void *context)
{
	(void)context;
	FUZZ_CHECK(false);
}

/* As destination_run does. */
static void
give_job(struct lane_handle *lane, uint8_t kind)
{
	struct lane_job job = {.kind = LANE_DELIVER, .state = QUEUE_ACTIVE};
	struct destination *dest = lane->dest;

	switch (kind % 4) {
	case 0:
		job.kind = LANE_PROBE;
		dest->is_down = dest->probing = true;
		lanes_give(lane, &job);
		break;
	case 1:
		FUZZ_CHECK(foreign_inspect(dest));
		break;
	default:
		lane->item = index_find_file(&dest->index, ITEM);
		FUZZ_CHECK(lane->item != NULL);
		FUZZ_CHECK(settle_take(dest, lane->item, job.file));
		lanes_give(lane, &job);
		/* What a lane that dies leaves behind. */
		atomic_store(&lane->shared->delivered, kind / 4 - 1);
		break;
	}
}

static bool
is_alive(const struct destination *dest, const struct lane_handle *lane)
{
	return TAILQ_FIRST(&dest->lanes) == lane;
}

/* All folders of the queue, which are empty then. */
static size_t
count_items(void)
{
	char path[PATH_SIZE];
	size_t n = 0;
	int state;

	for (state = 0; state < QUEUE_STATES; state++) {
		path_state(path, "pacs", (enum queue_state)state);
		n += empty(path);
	}
	return n;
}

/* Removes the files of a folder: how many names there were. */
static size_t
empty(const char *folder)
{
	struct dirent *entry;
	char path[PATH_SIZE];
	struct err err;
	size_t n = 0;
	DIR *dir;

	dir = fdopendir(fs_open_dir(sender.spool.root_fd, folder, &err));
	FUZZ_CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		n++;
		(void)snprintf(
		    path, sizeof(path), "%s/%s", folder, entry->d_name);
		(void)fs_unlink(sender.spool.root_fd, path, NULL);
	}
	(void)closedir(dir);
	return n;
}
