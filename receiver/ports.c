/*
 * The listening sockets in the parent's loop.
 *
 * Errors: as listen.c and loop.c. A connection that cannot be accepted is
 * logged; where descriptors or memory are short, accepting rests for a while.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/log.h"
#include "listen.h"
#include "ports.h"

#define PAUSE_MS  1000 /* where nothing can be accepted */
#define ACCEPTS_N 64   /* in a row, before others have their turn */

struct listener {
	struct ports *ports;
	int fd;
};

struct ports {
	struct loop *loop;
	ports_connected *connected;
	void *context;
	struct listeners listeners;
	struct listener listener[LISTEN_MAX]; /* of the loop */
	char *interface;		      /* where they are */
	int port;
	int64_t due_ms;
};

static int bind_all(struct ports *ports, struct err *err);
static int watch(struct ports *ports, struct err *err);
static void unwatch(struct ports *ports);
static void on_connection(void *context);
static bool accept_one(const struct listener *listener);

struct ports *
ports_open(struct loop *loop, const char *interface, int port,
    ports_connected *connected, void *context, struct err *err)
{
	struct ports *ports;

	ports = calloc(1, sizeof(*ports));
	if (ports == NULL || (ports->interface = strdup(interface)) == NULL) {
		(void)err_sys(err, "get memory for listening");
		free(ports);
		return NULL;
	}
	ports->loop = loop;
	ports->connected = connected;
	ports->context = context;
	ports->port = port;
	if (bind_all(ports, err) == -1) {
		ports_free(ports);
		return NULL;
	}
	return ports;
}

void
ports_free(struct ports *ports)
{
	if (ports == NULL)
		return;
	listen_close(&ports->listeners);
	free(ports->interface);
	free(ports);
}

int
ports_move(
    struct ports *ports, const char *interface, int port, struct err *err)
{
	char *old_interface = ports->interface, *new_interface;
	int old_port = ports->port, rc;
	struct listeners listeners;
	bool overlaps;

	if (port == old_port && strcmp(interface, old_interface) == 0)
		return 0;
	new_interface = strdup(interface);
	if (new_interface == NULL)
		return err_sys(err, "get memory for listening");
	rc = listen_open(interface, port, &listeners, err);
	/* The new address may overlap with the old one, at the same port: then
	 * we may have that port (bind(2) looks at this first). */
	overlaps = rc == -1 && err->sys == EADDRINUSE && port == old_port;
	if (rc == -1 && !overlaps) {
		free(new_interface);
		return -1;
	}
	unwatch(ports);
	listen_close(&ports->listeners);
	ports->interface = new_interface;
	ports->port = port;
	ports->listeners = listeners;
	ports->due_ms = PORTS_NEVER;
	if ((overlaps ? bind_all(ports, err) : watch(ports, err)) == 0) {
		free(old_interface);
		return 0;
	}
	listen_close(&ports->listeners);
	ports->interface = old_interface;
	ports->port = old_port;
	free(new_interface);
	(void)bind_all(ports, NULL);
	return -1;
}

int64_t
ports_due_ms(const struct ports *ports)
{
	return ports->due_ms;
}

int
ports_resume(struct ports *ports, struct err *err)
{
	if (clock_mono_ms() < ports->due_ms)
		return 0;
	ports->due_ms = PORTS_NEVER;
	return watch(ports, err);
}

static int
bind_all(struct ports *ports, struct err *err)
{
	struct err local = {.class = ERR_NONE};

	ports->due_ms = PORTS_NEVER;
	if (listen_open(ports->interface, ports->port, &ports->listeners,
		err == NULL ? &local : err) == -1)
		return -1;
	return watch(ports, err);
}

static int
watch(struct ports *ports, struct err *err)
{
	struct listener *listener;
	size_t i;

	for (i = 0; i < ports->listeners.n; i++) {
		listener = &ports->listener[i];
		listener->ports = ports;
		listener->fd = ports->listeners.fd[i];
		if (loop_add(ports->loop, listener->fd, on_connection, listener,
			err) == -1)
			return -1;
	}
	return 0;
}

static void
unwatch(struct ports *ports)
{
	size_t i;

	for (i = 0; i < ports->listeners.n; i++)
		loop_remove(ports->loop, ports->listeners.fd[i]);
}

/* As many as there are: those behind a flood are not to wait for it. */
static void
on_connection(void *context)
{
	const struct listener *listener = context;
	int n;

	for (n = 0; n < ACCEPTS_N && accept_one(listener); n++)
		continue;
}

/* false: there is none, or none can be had. */
static bool
accept_one(const struct listener *listener)
{
	struct ports *ports = listener->ports;
	struct err err = {.class = ERR_NONE};
	char peer[ENVELOPE_PEER_SIZE];
	int fd;

	fd = listen_accept(listener->fd, peer, &err);
	if (fd != -1) {
		ports->connected(ports->context, fd, peer);
		return true;
	}
	if (err.sys == ECONNABORTED || err.sys == EINTR)
		return true;
	if (err.sys == EAGAIN)
		return false;
	LOG(LOG_LEVEL_ERROR, "accept-failed", LOG_STR("error", err.text));
	/* The connection stays where it is, and would be told again at once. */
	if (err.sys == EMFILE || err.sys == ENFILE || err.sys == ENOBUFS ||
	    err.sys == ENOMEM) {
		unwatch(ports);
		ports->due_ms = clock_mono_ms() + PAUSE_MS;
	}
	return false;
}
