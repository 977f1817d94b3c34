/*
 * A fast C-STORE SCP that reads all, keeps nothing and answers 0x0000; a
 * thread for each association.
 *
 *	load_scp -p PORT [-m MAX_PDU] [-t TIMES] [-x]
 *
 * TIMES is a file that it maps: the number of instances, then the
 * CLOCK_MONOTONIC microsecond of each of the first million and a half. -x
 * speaks the bytes of the relay, not DICOM. It serves until it is killed.
 *
 * Errors: an association that talks nonsense is closed, and said on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom.h"

#define IN_BYTES (256 * 1024)
#define TIMES_N	 1500000
#define RAW_HEAD 8

struct times {
	_Atomic uint64_t count;
	int64_t at_us[TIMES_N];
};

struct scp {
	uint32_t max_pdu;
	bool raw;
	struct times *times;
};

struct link {
	const struct scp *scp;
	int fd;
};

static struct times *map_times(const char *path);
static void *serve(void *argument);
static void serve_dicom(const struct scp *scp, struct wire_in *in);
static void serve_raw(const struct scp *scp, struct wire_in *in);
static void count(const struct scp *scp);

int
main(int argc, char **argv)
{
	struct scp scp = {.max_pdu = 131072};
	const char *times = NULL;
	int port = 0, option, listen_fd;
	struct link *link;

	while ((option = getopt(argc, argv, "p:m:t:x")) != -1) {
		switch (option) {
		case 'p':
			port = (int)wire_number(optarg, 1, UINT16_MAX);
			break;
		case 'm':
			scp.max_pdu =
			    (uint32_t)wire_number(optarg, 4096, 1 << 24);
			break;
		case 't':
			times = optarg;
			break;
		case 'x':
			scp.raw = true;
			break;
		default:
			wire_die("see the comment in load_scp.c");
		}
	}
	scp.times = map_times(times);
	listen_fd = wire_listen(port);
	for (;;) {
		link = wire_alloc(sizeof(*link));
		*link = (struct link){&scp, wire_accept(listen_fd)};
		wire_start_thread(serve, link);
	}
}

static struct times *
map_times(const char *path)
{
	struct times *times;
	int fd = -1, flags = MAP_SHARED | MAP_ANONYMOUS;

	if (path != NULL) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1 || ftruncate(fd, sizeof(*times)) == -1)
			wire_die("make %s", path);
		flags = MAP_SHARED;
	}
	times =
	    mmap(NULL, sizeof(*times), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (times == MAP_FAILED)
		wire_die("map the times");
	return times;
}

static void *
serve(void *argument)
{
	struct link *link = argument;
	struct wire_in in;

	wire_in_init(&in, link->fd, IN_BYTES);
	if (link->scp->raw)
		serve_raw(link->scp, &in);
	else
		serve_dicom(link->scp, &in);
	(void)close(link->fd);
	wire_in_free(&in);
	free(link);
	return NULL;
}

static void
serve_dicom(const struct scp *scp, struct wire_in *in)
{
	struct dicom_command command;
	uint8_t context_id;
	uint64_t bytes;
	int rc;

	if (!dicom_accept(in, scp->max_pdu))
		return;
	while (
	    (rc = dicom_read_request(in, &command, &context_id, &bytes)) == 1) {
		if (command.field == DICOM_C_STORE_RQ)
			count(scp);
		if (!dicom_respond(in->fd, context_id, &command, 0x0000))
			return;
	}
	if (rc == -1)
		(void)fprintf(stderr, "load_scp: nonsense\n");
}

static void
serve_raw(const struct scp *scp, struct wire_in *in)
{
	uint8_t answer[RAW_HEAD] = {0};
	const uint8_t *head;
	uint32_t size;

	while ((head = wire_take(in, RAW_HEAD)) != NULL) {
		size = wire_be32(head);
		wire_put_be32(answer, wire_be32(head + 4));
		if (!wire_skip(in, size))
			return;
		count(scp);
		if (!wire_write(in->fd, answer, sizeof(answer)))
			return;
	}
}

static void
count(const struct scp *scp)
{
	uint64_t at = atomic_fetch_add(&scp->times->count, 1);

	if (at < TIMES_N)
		scp->times->at_us[at] = wire_now_us();
}
