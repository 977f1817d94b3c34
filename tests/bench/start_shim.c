/*
 * Preloaded into dcmsend: its connection waits until all of a round are ready,
 * and the time from there to its end is said. So neither exec nor the
 * dictionary nor the look at the files counts.
 *
 *	BENCH_READY	a descriptor: one byte when ready; then the begin and
 *the end, int64_t microseconds of CLOCK_MONOTONIC BENCH_GO	a descriptor:
 *one byte when it may begin
 *
 * Errors: without the two descriptors it does nothing.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t begin_us;
static int connection = -1;

static int descriptor(const char *name);
static int64_t now_us(void);

/* The C library's own declaration takes a transparent union. */
int shim_connect(
    int fd, const struct sockaddr *address, socklen_t size) __asm__("connect");

int
shim_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int (*next)(int, const struct sockaddr *, socklen_t);
	int ready = descriptor("BENCH_READY"), go = descriptor("BENCH_GO");
	char byte = 'r';

	*(void **)&next = dlsym(RTLD_NEXT, "connect");
	if (ready != -1 && go != -1 && connection == -1 &&
	    address->sa_family != AF_UNIX) {
		connection = fd;
		if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
			_exit(1);
		begin_us = now_us();
	}
	return next(fd, address, size);
}

int
close(int fd)
{
	int (*next)(int);
	int64_t times[2] = {begin_us, 0};

	*(void **)&next = dlsym(RTLD_NEXT, "close");
	if (fd != connection || fd == -1 || begin_us == 0)
		return next(fd);
	times[1] = now_us();
	begin_us = 0;
	if (write(descriptor("BENCH_READY"), times, sizeof(times)) !=
	    sizeof(times))
		_exit(1);
	return next(fd);
}

static int
descriptor(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? -1 : atoi(text);
}

static int64_t
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
