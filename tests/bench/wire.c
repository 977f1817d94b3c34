/*
 * Sockets, bytes and time for the programs of the benchmarks.
 *
 * Errors: a line on stderr and exit code 1; a peer that is gone is false or
 * NULL.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define BACKLOG	     1024
#define CONNECT_US   2000000
#define RETRY_US     5000
#define THREAD_STACK (256 * 1024)
#define US_PER_S     1000000

static struct sockaddr_in loopback(int port);
static void no_delay(int fd);
static bool fill(struct wire_in *in, size_t wanted);

void
wire_die(const char *format, ...)
{
	int error = errno;
	va_list args;

	(void)fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	if (error != 0)
		(void)fprintf(stderr, ": %s", strerror(error));
	(void)fputc('\n', stderr);
	exit(1);
}

int64_t
wire_number(const char *text, int64_t least, int64_t most)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < least ||
	    value > most)
		wire_die("%s is no number from %lld to %lld", text,
		    (long long)least, (long long)most);
	return value;
}

void *
wire_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		wire_die("get %zu bytes", size);
	return memory;
}

int64_t
wire_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

void
wire_sleep_until_us(int64_t at_us)
{
	const struct timespec at = {
	    .tv_sec = at_us / US_PER_S, .tv_nsec = at_us % US_PER_S * 1000};

	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

int
wire_connect(int port)
{
	const struct sockaddr_in address = loopback(port);
	int64_t until_us = wire_now_us() + CONNECT_US;
	int fd;

	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			wire_die("make a socket");
		if (connect(fd, (const struct sockaddr *)&address,
			sizeof(address)) == 0)
			break;
		(void)close(fd);
		if (wire_now_us() > until_us)
			return -1;
		wire_sleep_until_us(wire_now_us() + RETRY_US);
	}
	no_delay(fd);
	return fd;
}

int
wire_listen(int port)
{
	const struct sockaddr_in address = loopback(port);
	int fd, on = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) ==
		-1 ||
	    listen(fd, BACKLOG) == -1)
		wire_die("listen on port %d", port);
	return fd;
}

int
wire_accept(int listen_fd)
{
	int fd;

	do
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd == -1 && (errno == EINTR || errno == ECONNABORTED));
	if (fd == -1)
		wire_die("accept");
	no_delay(fd);
	return fd;
}

bool
wire_write(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;
	ssize_t n;

	while (size > 0) {
		n = send(fd, at, size, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

void
wire_in_init(struct wire_in *in, int fd, size_t size)
{
	*in = (struct wire_in){
	    .fd = fd, .buffer = wire_alloc(size), .size = size};
}

void
wire_in_free(struct wire_in *in)
{
	free(in->buffer);
	in->buffer = NULL;
}

const uint8_t *
wire_take(struct wire_in *in, size_t n)
{
	const uint8_t *found;

	if (n > in->size)
		return NULL;
	if (in->at == in->end)
		in->at = in->end = 0;
	if (in->end - in->at < n && in->size - in->at < n) {
		(void)memmove(
		    in->buffer, in->buffer + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
	}
	while (in->end - in->at < n)
		if (!fill(in, in->size - in->end))
			return NULL;
	found = in->buffer + in->at;
	in->at += n;
	return found;
}

bool
wire_skip(struct wire_in *in, uint64_t n)
{
	size_t here;

	for (;;) {
		here = in->end - in->at;
		if (here > n)
			here = (size_t)n;
		in->at += here;
		n -= here;
		if (n == 0)
			return true;
		in->at = in->end = 0;
		if (!fill(in, in->size))
			return false;
	}
}

void
wire_put_be16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void
wire_put_be32(uint8_t *at, uint32_t value)
{
	wire_put_be16(at, (uint16_t)(value >> 16));
	wire_put_be16(at + 2, (uint16_t)value);
}

void
wire_put_le16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

void
wire_put_le32(uint8_t *at, uint32_t value)
{
	wire_put_le16(at, (uint16_t)value);
	wire_put_le16(at + 2, (uint16_t)(value >> 16));
}

uint16_t
wire_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t
wire_be32(const uint8_t *at)
{
	return (uint32_t)wire_be16(at) << 16 | wire_be16(at + 2);
}

uint16_t
wire_le16(const uint8_t *at)
{
	return (uint16_t)(at[1] << 8 | at[0]);
}

uint32_t
wire_le32(const uint8_t *at)
{
	return (uint32_t)wire_le16(at + 2) << 16 | wire_le16(at);
}

void
wire_start_thread(void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, THREAD_STACK);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&thread, &attributes, run, argument);
	if (errno != 0)
		wire_die("start a thread");
	(void)pthread_attr_destroy(&attributes);
}

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void
no_delay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static bool
fill(struct wire_in *in, size_t wanted)
{
	ssize_t n;

	do
		n = recv(in->fd, in->buffer + in->end, wanted, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return false;
	in->end += (size_t)n;
	return true;
}
