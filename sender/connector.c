/*
 * Connections for lanes.
 *
 * Errors: as connect.c; ERR_TEMPORARY where the connector does not answer.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/connect.h"
#include "connector.h"

#define MS_PER_S 1000
#define NAMES_S	 10 /* for the name, besides ConnectTimeout */
#define MARGIN_S 2  /* the lane waits longer than the connector lives */

/* Room for one descriptor, cmsg(3). */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static int wait_reply(
    int lane_fd, uint32_t id, int64_t until_ms, struct err *err);
static int receive(int lane_fd, struct connector_reply *reply, int *fd);
static void reply_with(
    int lane_fd, const struct connector_reply *reply, int fd);

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
	reply_with(lane_fd, &reply, fd);
	if (fd != -1)
		(void)close(fd);
}

void
connector_refuse(
    const struct connector_request *request, const struct err *err, int lane_fd)
{
	const struct connector_reply reply = {request->id, *err};

	reply_with(lane_fd, &reply, -1);
}

static int
wait_reply(int lane_fd, uint32_t id, int64_t until_ms, struct err *err)
{
	struct pollfd poller = {.fd = lane_fd, .events = POLLIN};
	struct connector_reply reply;
	int64_t left_ms;
	int fd, got;

	for (;;) {
		left_ms = until_ms - clock_mono_ms();
		if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) == 0)
			return err_set(err, ERR_TEMPORARY,
			    "connect: no answer in time, perhaps because of "
			    "the name");
		got = receive(lane_fd, &reply, &fd);
		if (got == -1)
			return err_set(
			    err, ERR_TEMPORARY, "connect: the sender ends");
		if (got == 0 || reply.id != id) {
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

/* 1; 0 for something else; -1 for the end. */
static int
receive(int lane_fd, struct connector_reply *reply, int *fd)
{
	struct iovec part = {reply, sizeof(*reply)};
	union control control;
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *head;
	ssize_t got;

	*fd = -1;
	got = recvmsg(lane_fd, &message, MSG_CMSG_CLOEXEC);
	if (got == -1 && errno == EINTR)
		return 0;
	if (got <= 0)
		return -1;
	head = CMSG_FIRSTHDR(&message);
	if (head != NULL && head->cmsg_level == SOL_SOCKET &&
	    head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		(void)memcpy(fd, CMSG_DATA(head), sizeof(int));
	return got == (ssize_t)sizeof(*reply);
}

static void
reply_with(int lane_fd, const struct connector_reply *reply, int fd)
{
	struct connector_reply copy = *reply;
	struct iovec part = {&copy, sizeof(copy)};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *head = &control.head;

	if (fd != -1) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		(void)memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	(void)sendmsg(lane_fd, &message, MSG_NOSIGNAL);
}
