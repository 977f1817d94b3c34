/*
 * The receiver's side of an association as a whole: what a peer sends from its
 * first byte to its last, through DCMTK into a spool. Nothing is left in tmp/,
 * and what is in new/ is a whole instance.
 *
 * Errors: what does not hold aborts.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../receiver/association.h"
#include "../../receiver/shared.h"
#include "../../spool/counters.h"
#include "../../spool/assoc_dcmtk.h"
#include "../../spool/fs.h"
#include "../../spool/item.h"
#include "../../spool/path.h"
#include "fuzz.h"

#define MOST_BYTES 65536 /* that a socket takes while nobody reads */

static struct conf *conf;
static struct spool spool;
static struct shared *shared;
static int listener, port;

static void set_up(void);
static int connect_with(const uint8_t *data, size_t size);
static void check_new(void);
static void check_empty(const char *folder);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct child child = {.mode = CHILD_SERVE,
	    .association = "20260101T000000.000000Z-1",
	    .peer = "127.0.0.1",
	    .queue_fd = -1,
	    .watch_fd = -1,
	    .slot = {.fd = -1}};
	int pair[2], peer;

	if (size > MOST_BYTES)
		return 0;
	if (conf == NULL)
		set_up();
	FUZZ_CHECK(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	peer = connect_with(data, size);
	child.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	FUZZ_CHECK(child.fd > 2);
	child.parent_fd = pair[0];
	child.conf = conf;
	child.spool = &spool;
	child.shared = shared;
	association_serve(&child);
	fuzz_reset(peer);
	(void)close(pair[0]);
	(void)close(pair[1]);
	check_new();
	check_empty(PATH_TMP);
	check_empty(PATH_RESULT);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return fuzz_mutate_pdus(data, size, max, seed, 0);
}

static void
set_up(void)
{
	struct err err;

	listener = fuzz_listen(&port);
	fuzz_world(port, &conf, &spool);
	FUZZ_CHECK(assoc_init(&err) == 0);
	shared = shared_create(0, &err);
	FUZZ_CHECK(shared != NULL);
	shared->counters = counters_open(&spool, &err);
	FUZZ_CHECK(shared->counters != NULL);
}

/* A peer that has said all, and listens. */
static int
connect_with(const uint8_t *data, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int fd;

	FUZZ_CHECK(
	    getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_CHECK(fd > 2);
	FUZZ_CHECK(connect(fd, (struct sockaddr *)&address, length) == 0);
	FUZZ_CHECK(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
	FUZZ_CHECK(shutdown(fd, SHUT_WR) == 0);
	return fd;
}

/* Removes what was queued, after a look at it. */
static void
check_new(void)
{
	struct item_reader reader;
	struct item_name name;
	struct dirent *entry;
	char path[PATH_SIZE];
	struct err err;
	DIR *dir;
	int fd;

	fd = fs_open_dir(spool.root_fd, "queue/pacs/new", &err);
	dir = fdopendir(fd);
	FUZZ_CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		FUZZ_CHECK(name_parse(entry->d_name, &name) == 1);
		(void)snprintf(
		    path, sizeof(path), "queue/pacs/new/%s", entry->d_name);
		if (item_reader_open(&spool, path, &reader, &err) == -1)
			fuzz_broken(__FILE__, __LINE__, err.text);
		FUZZ_CHECK(strcmp(reader.part10.sop_instance, name.uid) == 0);
		FUZZ_CHECK(reader.part10.has_envelope);
		item_reader_close(&reader);
		fuzz_reached();
		if (fs_unlink(spool.root_fd, path, &err) != 1)
			fuzz_broken(__FILE__, __LINE__, err.text);
	}
	(void)closedir(dir);
}

static void
check_empty(const char *folder)
{
	struct dirent *entry;
	struct err err;
	DIR *dir;

	dir = fdopendir(fs_open_dir(spool.root_fd, folder, &err));
	FUZZ_CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		FUZZ_CHECK(entry->d_name[0] == '.');
	(void)closedir(dir);
}
