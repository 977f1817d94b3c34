/*
 * TCP connections to a peer.
 *
 * Errors: ERR_TEMPORARY where the name does not resolve or no address
 * answers; the text is that of the first address, which getaddrinfo(3) thinks
 * the best.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "connect.h"

#define PORT_SIZE    6
#define ADDRESS_SIZE 64

static int resolve(
    const char *host, int port, struct addrinfo **list, struct err *err);
static int connect_one(
    const struct addrinfo *address, int64_t deadline_ms, struct err *err);
static int wait_connected(int fd, int64_t deadline_ms);
static int share_of(int64_t deadline_ms, int parts);
static void close_keeping_errno(int fd);

int
connect_to(const char *host, int port, int timeout_ms, struct err *err)
{
	const struct addrinfo *address;
	int64_t deadline_ms;
	struct addrinfo *list;
	int fd = -1, n = 0;

	if (resolve(host, port, &list, err) == -1)
		return -1;
	deadline_ms = clock_mono_ms() + timeout_ms;
	for (address = list; address != NULL; address = address->ai_next)
		n++;
	for (address = list; address != NULL && fd == -1;
	     address = address->ai_next)
		fd = connect_one(address,
		    clock_mono_ms() + share_of(deadline_ms, n--),
		    address == list ? err : NULL);
	freeaddrinfo(list);
	return fd;
}

int
connect_listen_local(int *port, struct err *err)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) ==
		-1 ||
	    listen(fd, 1) == -1 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) == -1) {
		(void)err_sys(err, "listen on 127.0.0.1");
		close_keeping_errno(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

static int
resolve(const char *host, int port, struct addrinfo **list, struct err *err)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV};
	char service[PORT_SIZE];
	int rc;

	(void)snprintf(service, sizeof(service), "%d", port & 0xffff);
	rc = getaddrinfo(host, service, &hints, list);
	if (rc == EAI_SYSTEM)
		return err_sys(err, "resolve %s", host);
	if (rc != 0)
		return err_set(err, ERR_TEMPORARY, "resolve %s: %s", host,
		    gai_strerror(rc));
	return 0;
}

static int
connect_one(
    const struct addrinfo *address, int64_t deadline_ms, struct err *err)
{
	char text[ADDRESS_SIZE] = "?", service[PORT_SIZE] = "?";
	int fd, flags;

	(void)getnameinfo(address->ai_addr, address->ai_addrlen, text,
	    sizeof(text), service, sizeof(service),
	    NI_NUMERICHOST | NI_NUMERICSERV);
	fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "socket for %s port %s", text, service);
	if (connect(fd, address->ai_addr, address->ai_addrlen) == -1 &&
	    (errno != EINPROGRESS || wait_connected(fd, deadline_ms) == -1))
		goto fail;
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		goto fail;
	return fd;
fail:
	(void)err_sys(err, "connect to %s port %s", text, service);
	if (err != NULL)
		err->class = ERR_TEMPORARY;
	close_keeping_errno(fd);
	return -1;
}

/* 0, or -1 and errno. */
static int
wait_connected(int fd, int64_t deadline_ms)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	int error = 0, rc;
	socklen_t size = sizeof(error);

	do {
		rc = poll(&poller, 1, share_of(deadline_ms, 1));
	} while (rc == -1 && errno == EINTR);
	if (rc == 0)
		errno = ETIMEDOUT;
	if (rc <= 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
share_of(int64_t deadline_ms, int parts)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();

	if (left_ms <= 0)
		return 0;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms / parts;
}

static void
close_keeping_errno(int fd)
{
	int saved = errno;

	(void)close(fd);
	errno = saved;
}
