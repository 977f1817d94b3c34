/*
 * Connections for lanes.
 *
 * Errors: as connect.c; ERR_TEMPORARY where the connector does not answer.
 */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/connect.h"
#include "../spool/fd_pass.h"
#include "connector.h"

#define MS_PER_S 1000
#define NAMES_S	 10 /* for the name, besides ConnectTimeout */
#define MARGIN_S 2  /* the lane waits longer than the connector lives */

static int wait_reply(
    int lane_fd, uint32_t id, int64_t until_ms, struct err *err);

int
connector_ask(int lane_fd, int timeout_ms, struct err *err)
{
	int64_t now_us = clock_mono_us();
	const struct connector_request request = {(uint32_t)now_us};

	if (send(lane_fd, &request, sizeof(request), MSG_NOSIGNAL) == -1)
		return err_sys(err, "ask for a connection");
	return wait_reply(lane_fd, request.id,
	    now_us / 1000 + timeout_ms + (NAMES_S + MARGIN_S) * MS_PER_S, err);
}

void
connector_serve(const struct conf_destination *conf,
    const struct connector_request *request, int lane_fd)
{
	struct connector_reply reply = {.id = request->id};
	int fd;

	(void)alarm((unsigned)conf->connect_timeout_s + NAMES_S);
	fd = connect_to(conf->remote_host, conf->remote_port,
	    conf->connect_timeout_s * MS_PER_S, &reply.err);
	if (fd != -1)
		reply.err = (struct err){.class = ERR_NONE};
	(void)fd_pass_send(lane_fd, &reply, sizeof(reply), fd, 0);
	if (fd != -1)
		(void)close(fd);
}

void
connector_refuse(
    const struct connector_request *request, const struct err *err, int lane_fd)
{
	const struct connector_reply reply = {request->id, *err};

	(void)fd_pass_send(lane_fd, &reply, sizeof(reply), -1, 0);
}

static int
wait_reply(int lane_fd, uint32_t id, int64_t until_ms, struct err *err)
{
	struct pollfd poller = {.fd = lane_fd, .events = POLLIN};
	struct connector_reply reply;
	int64_t left_ms;
	ssize_t got;
	int fd;

	for (;;) {
		left_ms = until_ms - clock_mono_ms();
		if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) == 0)
			return err_set(err, ERR_TEMPORARY,
			    "connect: no answer in time, perhaps because of "
			    "the name");
		got = fd_pass_receive(lane_fd, &reply, sizeof(reply), &fd, 0);
		if (got <= 0)
			return err_set(
			    err, ERR_TEMPORARY, "connect: the sender ends");
		if (got != (ssize_t)sizeof(reply) || reply.id != id) {
			if (fd != -1)
				(void)close(fd);
			continue;
		}
		if (fd != -1)
			return fd;
		reply.err.text[sizeof(reply.err.text) - 1] = '\0';
		*err = reply.err;
		return -1;
	}
}
