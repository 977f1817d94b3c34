/*
 * What the programs of the benchmarks share: sockets, bytes, time. Nothing of
 * dcmspool is in it: they measure it from outside. What fails ends the
 * program, but where a function says otherwise.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that came in and have not been looked at. */
struct wire_in {
	int fd;
	uint8_t *buffer;
	size_t size; /* of the buffer */
	size_t at, end;
};

/* Prints "program: text", strerror where errno is set, and exits with 1. */
_Noreturn void wire_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* text as a number; dies where it is none, or out of range. */
int64_t wire_number(const char *text, int64_t least, int64_t most);
void *wire_alloc(size_t size);

int64_t wire_now_us(void); /* CLOCK_MONOTONIC */
void wire_sleep_until_us(int64_t at_us);

/* 127.0.0.1, TCP_NODELAY; tries for two seconds. -1 where nobody listens. */
int wire_connect(int port);
int wire_listen(int port);
int wire_accept(int listen_fd);

/* All of it; false where the peer is gone. */
bool wire_write(int fd, const void *data, size_t size);

void wire_in_init(struct wire_in *in, int fd, size_t size);
void wire_in_free(struct wire_in *in);
/* n bytes in one piece, consumed; NULL where the stream ended before. They
 * stay until the next call. */
const uint8_t *wire_take(struct wire_in *in, size_t n);
bool wire_skip(struct wire_in *in, uint64_t n);

void wire_put_be16(uint8_t *at, uint16_t value);
void wire_put_be32(uint8_t *at, uint32_t value);
void wire_put_le16(uint8_t *at, uint16_t value);
void wire_put_le32(uint8_t *at, uint32_t value);
uint16_t wire_be16(const uint8_t *at);
uint32_t wire_be32(const uint8_t *at);
uint16_t wire_le16(const uint8_t *at);
uint32_t wire_le32(const uint8_t *at);

/* A detached thread with a small stack. */
void wire_start_thread(void *(*run)(void *), void *argument);

#endif
