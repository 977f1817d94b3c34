/*
 * The sender's side of an association as a whole: a lane delivers one item to a
 * destination that answers anything. The first byte says how it answers: all at
 * once, or a PDU at a time, each after something of ours has come. All at once
 * is an answer before the data set was sent, which is never a success.
 *
 * Errors: what does not hold aborts.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../sender/connector.h"
#include "../../sender/lane.h"
#include "../../spool/assoc_dcmtk.h"
#include "../../spool/fs.h"
#include "../../spool/item.h"
#include "../../spool/path.h"
#include "fuzz.h"

#define MOST_BYTES  65536
#define PDU_HEAD    6
#define PATIENCE_MS 200
#define DATA_SET    "\10\0\20\0\2\0\0\0CT"
#define ITEM	    "20260101T000000.000001Z-m7-1.2.3.dcm"
#define SOP_CLASS   "1.2.840.10008.5.1.4.1.1.2"
#define IMPLICIT_LE "1.2.840.10008.1.2"
#define ASSOCIATION "20260101T000000.000000Z-1"

struct destination {
	int listener;
	const uint8_t *data;
	size_t size;
	int end_fd; /* readable: no more connections */
	bool stepwise, called;
};

/* What the sender's parent does for a lane. */
struct parent {
	int fd;
	struct lane_report report;
	bool reported;
};

static struct conf *conf;
static struct spool spool;
static struct lane_shared shared;
static int listener;

static void set_up(void);
static void make_item(void);
static void *answer(void *argument);
static void *serve(void *argument);
static int next_connection(const struct destination *d);
static bool drain(int fd, int timeout_ms);
static size_t pdu_size(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct destination destination;
	struct lane_job job = {
	    .kind = LANE_DELIVER, .state = QUEUE_ACTIVE, .file = ITEM};
	struct lane_report report;
	pthread_t thread, server;
	struct parent parent;
	int pair[2], end[2];

	if (size == 0 || size > MOST_BYTES)
		return 0;
	if (conf == NULL)
		set_up();
	FUZZ_CHECK(pipe2(end, O_CLOEXEC) == 0);
	destination = (struct destination){.listener = listener,
	    .data = data + 1,
	    .size = size - 1,
	    .end_fd = end[0],
	    .stepwise = (data[0] & 1) != 0};
	FUZZ_CHECK(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_CHECK(send(pair[0], &job, sizeof(job), 0) == (ssize_t)sizeof(job));
	FUZZ_CHECK(pthread_create(&thread, NULL, answer, &destination) == 0);
	parent = (struct parent){.fd = pair[0]};
	FUZZ_CHECK(pthread_create(&server, NULL, serve, &parent) == 0);
	(void)lane_main(&spool, &conf->destinations[0], NULL, &shared, pair[1]);
	FUZZ_CHECK(pthread_join(server, NULL) == 0);
	FUZZ_CHECK(parent.reported);
	report = parent.report;
	FUZZ_CHECK(report.kind == LANE_DELIVER);
	FUZZ_CHECK(report.outcome != LANE_CORRUPT);
	FUZZ_CHECK(report.outcome != LANE_GONE);
	if (!destination.stepwise)
		FUZZ_CHECK(report.outcome != LANE_ANSWERED);
	if (report.outcome == LANE_ANSWERED && report.status == 0)
		fuzz_reached();
	(void)close(end[1]);
	FUZZ_CHECK(pthread_join(thread, NULL) == 0);
	FUZZ_CHECK(destination.called);
	(void)close(end[0]);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return fuzz_mutate_pdus(data, size, max, seed, 1);
}

/* Connections as it asks for them, until it has reported. */
static void *
serve(void *argument)
{
	struct parent *parent = argument;
	union {
		struct connector_request request;
		struct lane_report report;
	} heard;
	ssize_t got;

	while (!parent->reported) {
		got = recv(parent->fd, &heard, sizeof(heard), 0);
		if (got == (ssize_t)sizeof(heard.report)) {
			parent->report = heard.report;
			parent->reported = true;
		} else if (got == (ssize_t)sizeof(heard.request)) {
			connector_serve(
			    &conf->destinations[0], &heard.request, parent->fd);
			(void)alarm(0);
		} else {
			break;
		}
	}
	(void)shutdown(parent->fd, SHUT_WR);
	return NULL;
}

static void
set_up(void)
{
	struct err err;
	int port;

	listener = fuzz_listen(&port);
	fuzz_world(port, &conf, &spool);
	FUZZ_CHECK(assoc_init(&err) == 0);
	make_item();
}

static void
make_item(void)
{
	struct part10 part10 = {.sop_class = SOP_CLASS,
	    .sop_instance = "1.2.3",
	    .transfer_syntax = IMPLICIT_LE,
	    .has_envelope = true,
	    .envelope = {.association = ASSOCIATION, .message_id = 7}};
	struct item_digest *digest;
	uint8_t file[PART10_SIZE + sizeof(DATA_SET)];
	char path[256];
	struct err err;
	size_t size;

	digest = item_digest_create(&err);
	FUZZ_CHECK(digest != NULL);
	item_digest_update(digest, DATA_SET, sizeof(DATA_SET) - 1);
	item_digest_final(digest, part10.envelope.digest);
	item_digest_free(digest);
	part10.envelope.data_set_bytes = sizeof(DATA_SET) - 1;
	FUZZ_CHECK(part10_pack(&part10, file, &size, &err) == 0);
	memcpy(file + size, DATA_SET, sizeof(DATA_SET) - 1);
	(void)snprintf(path, sizeof(path), "%s/queue/pacs/active/%s",
	    conf->storage_location, ITEM);
	fuzz_write(path, file, size + sizeof(DATA_SET) - 1);
}

/* The destination: each connection gets what is left. */
static void *
answer(void *argument)
{
	struct destination *d = argument;
	size_t part;
	int fd;

	while ((fd = next_connection(d)) != -1) {
		d->called = true;
		while (d->size > 0) {
			if (d->stepwise && !drain(fd, PATIENCE_MS))
				break;
			part =
			    d->stepwise ? pdu_size(d->data, d->size) : d->size;
			if (send(fd, d->data, part, MSG_NOSIGNAL) !=
			    (ssize_t)part)
				break;
			d->data += part;
			d->size -= part;
		}
		(void)shutdown(fd, SHUT_WR);
		while (drain(fd, PATIENCE_MS))
			;
		fuzz_reset(fd);
	}
	return NULL;
}

/* -1 where there is to be none any more. */
static int
next_connection(const struct destination *d)
{
	struct pollfd fds[2] = {{.fd = d->listener, .events = POLLIN},
	    {.fd = d->end_fd, .events = POLLIN}};

	FUZZ_CHECK(poll(fds, 2, -1) > 0);
	if (fds[0].revents == 0)
		return -1;
	return accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
}

/* What has come, thrown away; false where nothing does, or it is the end. */
static bool
drain(int fd, int timeout_ms)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	char sink[4096];

	if (poll(&one, 1, timeout_ms) <= 0)
		return false;
	return recv(fd, sink, sizeof(sink), 0) > 0;
}

static size_t
pdu_size(const uint8_t *data, size_t size)
{
	size_t whole;

	if (size < PDU_HEAD)
		return size;
	whole = PDU_HEAD + ((size_t)data[2] << 24 | (size_t)data[3] << 16 |
			       (size_t)data[4] << 8 | data[5]);
	return whole < size ? whole : size;
}
