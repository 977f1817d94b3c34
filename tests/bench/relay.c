/*
 * The physical reference: plain bytes, the steps in the file system that
 *dcmspool does, no DICOM. Two processes, a thread for each connection:
 *
 *	relay receiver -d FOLDER -p PORT [-f]
 *	relay sender -d FOLDER -p PORT [-l LANES] [-f]
 *
 * The receiver writes a message to tmp/, renames it to new/ and waits for a
 * marker in result/<connection>/; the sender is woken by inotify, renames to
 * active/, sends, gets the answer, writes the marker beside and renames it,
 * and removes the message. -f: the receiver answers when file and folder are
 * synced; nobody waits for a marker.
 *
 * Errors: one line, and the process ends; the messages stay.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

#define BLOCK_BYTES  (256 * 1024)
#define HEAD_BYTES   8	 /* length, number; back come number, status */
#define MARKER_BYTES 512 /* as much as a marker of dcmspool has */
#define EVENTS_BYTES 65536

struct name {
	struct name *next;
	char text[NAME_MAX + 1];
};

struct relay {
	int root_fd, port, lanes;
	bool sync;
	/* of the sender */
	int inotify_fd;
	pthread_mutex_t lock; /* who holds it reads the events */
	struct name *first, **last;
	uint8_t events[EVENTS_BYTES];
};

struct link {
	struct relay *relay;
	int fd;
	unsigned number;
	struct wire_in in;
	int inotify_fd;
};

static void receive(struct relay *relay);
static void *serve(void *argument);
static void open_result(struct link *link);
static bool take_message(struct link *link, char *name, uint32_t *id);
static void write_all(int fd, const void *data, size_t size);
static void publish(const struct relay *relay, int fd, const char *name);
static void wait_for_marker(struct link *link, const char *name);
static void deliver(struct relay *relay);
static void *run_lane(void *argument);
static void next_name(struct relay *relay, char *name);
static void add_name(struct relay *relay, const char *text);
static void scan(struct relay *relay);
static void read_events(struct relay *relay);
static void send_message(const struct relay *relay, struct wire_in *in,
    uint8_t *block, const char *name);
static void write_marker(const struct relay *relay, const char *name);
static bool rename_in(
    const struct relay *relay, const char *from, const char *to);

int
main(int argc, char **argv)
{
	static const char *const folders[] = {"tmp", "new", "active", "result"};
	struct relay relay = {.lanes = 1, .root_fd = -1};
	int option;
	size_t i;

	while ((option = getopt(argc, argv, "d:p:l:f")) != -1) {
		switch (option) {
		case 'd':
			relay.root_fd =
			    open(optarg, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
			break;
		case 'p':
			relay.port = (int)wire_number(optarg, 1, UINT16_MAX);
			break;
		case 'l':
			relay.lanes = (int)wire_number(optarg, 1, 64);
			break;
		case 'f':
			relay.sync = true;
			break;
		default:
			wire_die("see the comment in relay.c");
		}
	}
	if (relay.root_fd == -1 || relay.port == 0 || optind != argc - 1)
		wire_die("see the comment in relay.c");
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(relay.root_fd, folders[i], 0700) == -1 &&
		    errno != EEXIST)
			wire_die("make %s", folders[i]);
	if (strcmp(argv[optind], "receiver") == 0)
		receive(&relay);
	else
		deliver(&relay);
	return 0;
}

static void
receive(struct relay *relay)
{
	int listen_fd = wire_listen(relay->port);
	struct link *link;
	unsigned number = 0;

	for (;;) {
		link = wire_alloc(sizeof(*link));
		link->relay = relay;
		link->fd = wire_accept(listen_fd);
		link->number = ++number;
		wire_start_thread(serve, link);
	}
}

static void *
serve(void *argument)
{
	struct link *link = argument;
	uint8_t answer[HEAD_BYTES] = {0};
	char name[64], path[128];
	uint32_t id;

	wire_in_init(&link->in, link->fd, BLOCK_BYTES);
	if (!link->relay->sync)
		open_result(link);
	while (take_message(link, name, &id)) {
		if (!link->relay->sync)
			wait_for_marker(link, name);
		wire_put_be32(answer, id);
		if (!wire_write(link->fd, answer, sizeof(answer)))
			break;
	}
	if (!link->relay->sync) {
		(void)close(link->inotify_fd);
		(void)snprintf(path, sizeof(path), "result/%u", link->number);
		(void)unlinkat(link->relay->root_fd, path, AT_REMOVEDIR);
	}
	(void)close(link->fd);
	wire_in_free(&link->in);
	free(link);
	return NULL;
}

static void
open_result(struct link *link)
{
	char path[64], full[128];

	(void)snprintf(path, sizeof(path), "result/%u", link->number);
	if (mkdirat(link->relay->root_fd, path, 0700) == -1 && errno != EEXIST)
		wire_die("make %s", path);
	(void)snprintf(full, sizeof(full), "/proc/self/fd/%d/%s",
	    link->relay->root_fd, path);
	link->inotify_fd = inotify_init1(IN_CLOEXEC);
	if (link->inotify_fd == -1 ||
	    inotify_add_watch(link->inotify_fd, full, IN_MOVED_TO) == -1)
		wire_die("watch %s", path);
}

/* A message comes in, and is in new/ then. */
static bool
take_message(struct link *link, char *name, uint32_t *id)
{
	struct wire_in *in = &link->in;
	const uint8_t *head;
	size_t here;
	uint64_t left;
	char path[80];
	int fd;

	head = wire_take(in, HEAD_BYTES);
	if (head == NULL)
		return false;
	left = wire_be32(head);
	*id = wire_be32(head + 4);
	(void)snprintf(name, 64, "%016" PRIx64 "-%u-%" PRIu32,
	    (uint64_t)wire_now_us(), link->number, *id);
	(void)snprintf(path, sizeof(path), "tmp/%s", name);
	fd = openat(link->relay->root_fd, path,
	    O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd == -1)
		wire_die("create %s", path);
	while (left > 0) {
		here = in->end - in->at;
		if (here > left)
			here = (size_t)left;
		if (here == 0) {
			if (wire_take(in, 1) == NULL)
				wire_die("a message broke off");
			in->at--;
			continue;
		}
		write_all(fd, in->buffer + in->at, here);
		in->at += here;
		left -= here;
	}
	publish(link->relay, fd, name);
	return true;
}

static void
write_all(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;
	ssize_t n;

	while (size > 0) {
		n = write(fd, at, size);
		if (n == -1)
			wire_die("write");
		at += n;
		size -= (size_t)n;
	}
}

static void
publish(const struct relay *relay, int fd, const char *name)
{
	char from[80], to[80];
	int folder_fd;

	if (relay->sync && fdatasync(fd) == -1)
		wire_die("sync %s", name);
	(void)close(fd);
	(void)snprintf(from, sizeof(from), "tmp/%s", name);
	(void)snprintf(to, sizeof(to), "new/%s", name);
	if (!rename_in(relay, from, to))
		wire_die("%s has gone", name);
	if (!relay->sync)
		return;
	folder_fd = openat(relay->root_fd, "new", O_DIRECTORY | O_CLOEXEC);
	if (folder_fd == -1 || fsync(folder_fd) == -1)
		wire_die("sync new");
	(void)close(folder_fd);
}

static void
wait_for_marker(struct link *link, const char *name)
{
	uint8_t events[4096], marker[MARKER_BYTES];
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "result/%u/%s", link->number, name);
	if (read(link->inotify_fd, events, sizeof(events)) <= 0)
		wire_die("read the events of result");
	fd = openat(link->relay->root_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || read(fd, marker, sizeof(marker)) != MARKER_BYTES)
		wire_die("read %s", path);
	(void)close(fd);
	if (unlinkat(link->relay->root_fd, path, 0) == -1)
		wire_die("remove %s", path);
}

static void
deliver(struct relay *relay)
{
	char full[64];
	int i;

	(void)snprintf(
	    full, sizeof(full), "/proc/self/fd/%d/new", relay->root_fd);
	relay->inotify_fd = inotify_init1(IN_CLOEXEC);
	if (relay->inotify_fd == -1 ||
	    inotify_add_watch(relay->inotify_fd, full, IN_MOVED_TO) == -1)
		wire_die("watch new");
	relay->last = &relay->first;
	(void)pthread_mutex_init(&relay->lock, NULL);
	scan(relay);
	for (i = 1; i < relay->lanes; i++)
		wire_start_thread(run_lane, relay);
	(void)run_lane(relay);
}

static void *
run_lane(void *argument)
{
	struct relay *relay = argument;
	struct wire_in in = {.fd = -1};
	uint8_t *block = wire_alloc(BLOCK_BYTES);
	char name[NAME_MAX + 1], from[NAME_MAX + 8], to[NAME_MAX + 8];
	int fd;

	for (;;) {
		next_name(relay, name);
		(void)snprintf(from, sizeof(from), "new/%s", name);
		(void)snprintf(to, sizeof(to), "active/%s", name);
		if (!rename_in(relay, from, to))
			continue;
		if (in.fd == -1) {
			fd = wire_connect(relay->port);
			if (fd == -1)
				wire_die("connect to port %d", relay->port);
			wire_in_init(&in, fd, BLOCK_BYTES);
		}
		send_message(relay, &in, block, to);
		if (!relay->sync)
			write_marker(relay, name);
		if (unlinkat(relay->root_fd, to, 0) == -1)
			wire_die("remove %s", to);
	}
	return NULL;
}

/* One lane at a time waits for events; what it does not take the next finds. */
static void
next_name(struct relay *relay, char *name)
{
	struct name *found;

	(void)pthread_mutex_lock(&relay->lock);
	while (relay->first == NULL)
		read_events(relay);
	found = relay->first;
	relay->first = found->next;
	if (relay->first == NULL)
		relay->last = &relay->first;
	(void)pthread_mutex_unlock(&relay->lock);
	(void)strcpy(name, found->text);
	free(found);
}

static void
add_name(struct relay *relay, const char *text)
{
	struct name *name = wire_alloc(sizeof(*name));

	(void)snprintf(name->text, sizeof(name->text), "%s", text);
	*relay->last = name;
	relay->last = &name->next;
}

static void
scan(struct relay *relay)
{
	int fd = openat(relay->root_fd, "new", O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (folder == NULL)
		wire_die("read new");
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			add_name(relay, entry->d_name);
	(void)closedir(folder);
}

static void
read_events(struct relay *relay)
{
	const struct inotify_event *event;
	ssize_t n, at;

	n = read(relay->inotify_fd, relay->events, sizeof(relay->events));
	if (n <= 0)
		wire_die("read the events of new");
	for (at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const void *)(relay->events + at);
		if ((event->mask & IN_Q_OVERFLOW) != 0)
			scan(relay);
		else if (event->len > 0)
			add_name(relay, event->name);
	}
}

static void
send_message(const struct relay *relay, struct wire_in *in, uint8_t *block,
    const char *name)
{
	static _Atomic uint32_t serial;
	uint32_t id = atomic_fetch_add(&serial, 1);
	const uint8_t *answer;
	struct stat st;
	ssize_t n;
	int file;

	file = openat(relay->root_fd, name, O_RDONLY | O_CLOEXEC);
	if (file == -1 || fstat(file, &st) == -1)
		wire_die("open %s", name);
	wire_put_be32(block, (uint32_t)st.st_size);
	wire_put_be32(block + 4, id);
	n = read(file, block + HEAD_BYTES, BLOCK_BYTES - HEAD_BYTES);
	for (n += n == -1 ? 0 : HEAD_BYTES; n > 0;
	     n = read(file, block, BLOCK_BYTES))
		if (!wire_write(in->fd, block, (size_t)n))
			wire_die("send %s", name);
	if (n == -1)
		wire_die("read %s", name);
	(void)close(file);
	answer = wire_take(in, HEAD_BYTES);
	if (answer == NULL || wire_be32(answer) != id ||
	    wire_be32(answer + 4) != 0)
		wire_die("no right answer to %s", name);
}

static void
write_marker(const struct relay *relay, const char *name)
{
	static const uint8_t marker[MARKER_BYTES] = {0};
	char from[NAME_MAX + 64], to[NAME_MAX + 64];
	unsigned number;
	int fd;

	if (sscanf(name, "%*x-%u", &number) != 1)
		wire_die("%s is no name of ours", name);
	(void)snprintf(from, sizeof(from), "result/%u/.%s", number, name);
	(void)snprintf(to, sizeof(to), "result/%u/%s", number, name);
	fd = openat(relay->root_fd, from,
	    O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd == -1 && errno == ENOENT)
		return; /* nobody waits */
	if (fd == -1)
		wire_die("create %s", from);
	write_all(fd, marker, sizeof(marker));
	(void)close(fd);
	if (!rename_in(relay, from, to))
		wire_die("%s has gone", from);
}

/* As dcmspool renames. false: it is not there. */
static bool
rename_in(const struct relay *relay, const char *from, const char *to)
{
	if (renameat2(relay->root_fd, from, relay->root_fd, to,
		RENAME_NOREPLACE) == 0)
		return true;
	if (errno != ENOENT)
		wire_die("rename %s", from);
	return false;
}
