/*
 * A small loop over epoll(7).
 *
 * Errors: as the system calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"

#define EVENTS_MAX 64

struct handler {
	loop_ready *ready;
	void *context;
};

struct loop {
	int epoll_fd;
	struct handler *handlers; /* by descriptor; ready is NULL: none */
	size_t handlers_n;
};

static int make_room(struct loop *loop, int fd, struct err *err);

struct loop *
loop_create(struct err *err)
{
	struct loop *loop;

	loop = calloc(1, sizeof(*loop));
	if (loop == NULL) {
		(void)err_sys(err, "get memory for the event loop");
		return NULL;
	}
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd == -1) {
		(void)err_sys(err, "make an epoll descriptor");
		free(loop);
		return NULL;
	}
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	(void)close(loop->epoll_fd);
	free(loop->handlers);
	free(loop);
}

int
loop_add(struct loop *loop, int fd, loop_ready *ready, void *context,
    struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (make_room(loop, fd, err) == -1)
		return -1;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		return err_sys(err, "watch descriptor %d", fd);
	loop->handlers[fd] =
	    (struct handler){.ready = ready, .context = context};
	return 0;
}

void
loop_remove(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->handlers_n)
		return;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	loop->handlers[fd].ready = NULL;
}

int
loop_turn(struct loop *loop, int timeout_ms, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	struct handler handler;
	int n, i;

	n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, timeout_ms);
	if (n == -1 && errno != EINTR)
		return err_sys(err, "wait for events");
	for (i = 0; i < n; i++) {
		/* One before it may have removed this one. */
		handler = loop->handlers[events[i].data.fd];
		if (handler.ready != NULL)
			handler.ready(handler.context);
	}
	return 0;
}

static int
make_room(struct loop *loop, int fd, struct err *err)
{
	size_t n = (size_t)fd + 1, i;
	struct handler *handlers;

	if (n <= loop->handlers_n)
		return 0;
	n += n / 2;
	handlers = reallocarray(loop->handlers, n, sizeof(*handlers));
	if (handlers == NULL)
		return err_sys(err, "get memory for the event loop");
	for (i = loop->handlers_n; i < n; i++)
		handlers[i] = (struct handler){.ready = NULL};
	loop->handlers = handlers;
	loop->handlers_n = n;
	return 0;
}
