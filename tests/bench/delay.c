/*
 * A TCP relay that lets each byte arrive half a round trip later, whatever the
 * rate: a wide area network without loss, where the kernel has no netem.
 *
 *	delay -p PORT -t TO_PORT -r ROUND_TRIP_MS
 *
 * Two threads a direction: one reads and notes the time, one writes what is
 * due. The handshake is delayed too: the far side is connected to half a round
 * trip after the near one, and what comes in before waits.
 *
 * Errors: a side that is gone closes the other; one line where it cannot
 * listen.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define BLOCK_BYTES 65536
#define HELD_BLOCKS 512 /* 32 MiB a direction: never the limit at 100 ms */
#define US_PER_MS   1000

struct block {
	int64_t due_us;
	size_t size;
	uint8_t bytes[BLOCK_BYTES];
};

struct direction {
	struct pipe *pipe;
	int from_fd, to_fd;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct block *blocks[HELD_BLOCKS];
	unsigned first, held;
};

struct pipe {
	int64_t delay_us;
	int near_fd, far_fd, to_port;
	struct direction out, back;
	_Atomic int users;
};

static void *open_pipe(void *argument);
static void start(
    struct pipe *pipe, struct direction *direction, int from_fd, int to_fd);
static void *take(void *argument);
static void *give(void *argument);
static void leave(struct pipe *pipe);

int
main(int argc, char **argv)
{
	int port = 0, to_port = 0, option, listen_fd;
	int64_t round_trip_ms = 100;
	struct pipe *pipe;

	while ((option = getopt(argc, argv, "p:t:r:")) != -1) {
		switch (option) {
		case 'p':
			port = (int)wire_number(optarg, 1, UINT16_MAX);
			break;
		case 't':
			to_port = (int)wire_number(optarg, 1, UINT16_MAX);
			break;
		case 'r':
			round_trip_ms = wire_number(optarg, 0, 10000);
			break;
		default:
			wire_die("see the comment in delay.c");
		}
	}
	listen_fd = wire_listen(port);
	for (;;) {
		pipe = wire_alloc(sizeof(*pipe));
		pipe->delay_us = round_trip_ms * US_PER_MS / 2;
		pipe->to_port = to_port;
		pipe->near_fd = wire_accept(listen_fd);
		wire_start_thread(open_pipe, pipe);
	}
}

static void *
open_pipe(void *argument)
{
	struct pipe *pipe = argument;

	/* SYN and SYN-ACK, which loopback has given away */
	wire_sleep_until_us(wire_now_us() + 2 * pipe->delay_us);
	pipe->far_fd = wire_connect(pipe->to_port);
	if (pipe->far_fd == -1) {
		(void)close(pipe->near_fd);
		free(pipe);
		return NULL;
	}
	pipe->users = 4;
	start(pipe, &pipe->out, pipe->near_fd, pipe->far_fd);
	start(pipe, &pipe->back, pipe->far_fd, pipe->near_fd);
	return NULL;
}

static void
start(struct pipe *pipe, struct direction *direction, int from_fd, int to_fd)
{
	direction->pipe = pipe;
	direction->from_fd = from_fd;
	direction->to_fd = to_fd;
	(void)pthread_mutex_init(&direction->lock, NULL);
	(void)pthread_cond_init(&direction->changed, NULL);
	wire_start_thread(take, direction);
	wire_start_thread(give, direction);
}

static void *
take(void *argument)
{
	struct direction *direction = argument;
	struct block *block;
	ssize_t n;

	do {
		block = wire_alloc(sizeof(*block));
		n = recv(direction->from_fd, block->bytes, BLOCK_BYTES, 0);
		block->size = n > 0 ? (size_t)n : 0;
		block->due_us = wire_now_us() + direction->pipe->delay_us;
		(void)pthread_mutex_lock(&direction->lock);
		while (direction->held == HELD_BLOCKS)
			(void)pthread_cond_wait(
			    &direction->changed, &direction->lock);
		direction->blocks[(direction->first + direction->held) %
				  HELD_BLOCKS] = block;
		direction->held++;
		(void)pthread_cond_signal(&direction->changed);
		(void)pthread_mutex_unlock(&direction->lock);
	} while (n > 0);
	leave(direction->pipe);
	return NULL;
}

static void *
give(void *argument)
{
	struct direction *direction = argument;
	struct block *block;
	size_t size;
	bool broken = false;

	do {
		(void)pthread_mutex_lock(&direction->lock);
		while (direction->held == 0)
			(void)pthread_cond_wait(
			    &direction->changed, &direction->lock);
		block = direction->blocks[direction->first];
		direction->first = (direction->first + 1) % HELD_BLOCKS;
		direction->held--;
		(void)pthread_cond_signal(&direction->changed);
		(void)pthread_mutex_unlock(&direction->lock);
		size = block->size;
		wire_sleep_until_us(block->due_us);
		if (size > 0 && !broken &&
		    !wire_write(direction->to_fd, block->bytes, size)) {
			broken = true;
			(void)shutdown(direction->from_fd, SHUT_RDWR);
		}
		free(block);
	} while (size > 0);
	(void)shutdown(direction->to_fd, SHUT_WR);
	leave(direction->pipe);
	return NULL;
}

static void
leave(struct pipe *pipe)
{
	if (atomic_fetch_sub(&pipe->users, 1) != 1)
		return;
	(void)close(pipe->near_fd);
	(void)close(pipe->far_fd);
	free(pipe);
}
