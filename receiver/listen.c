/*
 * Listening sockets. DCMTK would make one of its own that knows neither
 * interfaces nor IPv6.
 *
 * Errors: ERR_CONFIG for an interface or address that is not there; else as
 * the system calls.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

static int open_all(int port, struct listeners *listeners, struct err *err);
static int open_address(const char *address, int port,
    struct listeners *listeners, struct err *err);
static int open_interface(
    const char *name, int port, struct listeners *listeners, struct err *err);
static int open_one(const struct sockaddr *address, int port,
    struct listeners *listeners, struct err *err);
static int bind_and_listen(
    int fd, const struct sockaddr_storage *address, int port, struct err *err);
static socklen_t size_of(const struct sockaddr *address);
static void unmap(struct sockaddr_storage *address);
static void describe(
    const struct sockaddr_storage *address, char out[ENVELOPE_PEER_SIZE]);

int
listen_open(
    const char *where, int port, struct listeners *listeners, struct err *err)
{
	int rc;

	listeners->n = 0;
	if (where[0] == '\0')
		rc = open_all(port, listeners, err);
	else if (if_nametoindex(where) != 0)
		rc = open_interface(where, port, listeners, err);
	else
		rc = open_address(where, port, listeners, err);
	if (rc == -1)
		listen_close(listeners);
	return rc;
}

void
listen_close(struct listeners *listeners)
{
	while (listeners->n > 0)
		(void)close(listeners->fd[--listeners->n]);
}

int
listen_accept(int fd, char peer[ENVELOPE_PEER_SIZE], struct err *err)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int connection;

	memset(&address, 0, sizeof(address));
	connection =
	    accept4(fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
	if (connection == -1)
		return err_sys(err, "accept a connection");
	describe(&address, peer);
	return connection;
}

/* One socket for both, where there is IPv6. */
static int
open_all(int port, struct listeners *listeners, struct err *err)
{
	const struct sockaddr_in6 any6 = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	const struct sockaddr_in any = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};

	if (open_one((const struct sockaddr *)&any6, port, listeners, err) == 0)
		return 0;
	if (err->sys != EAFNOSUPPORT && err->sys != EADDRNOTAVAIL)
		return -1;
	return open_one((const struct sockaddr *)&any, port, listeners, err);
}

static int
open_address(
    const char *address, int port, struct listeners *listeners, struct err *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
	    .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int rc;

	if (getaddrinfo(address, NULL, &hints, &found) != 0)
		return err_set(err, ERR_CONFIG,
		    "LocalInterface \"%s\" is neither an address nor an "
		    "interface of this machine",
		    address);
	rc = open_one(found->ai_addr, port, listeners, err);
	freeaddrinfo(found);
	return rc;
}

static int
open_interface(
    const char *name, int port, struct listeners *listeners, struct err *err)
{
	struct ifaddrs *all, *one;
	int rc = 0;

	if (getifaddrs(&all) == -1)
		return err_sys(err, "list the addresses of %s", name);
	for (one = all; one != NULL && rc == 0; one = one->ifa_next)
		if (strcmp(one->ifa_name, name) == 0 && one->ifa_addr != NULL &&
		    size_of(one->ifa_addr) > 0)
			rc = open_one(one->ifa_addr, port, listeners, err);
	freeifaddrs(all);
	if (rc == 0 && listeners->n == 0)
		return err_set(
		    err, ERR_CONFIG, "interface %s has no address", name);
	return rc;
}

static int
open_one(const struct sockaddr *address, int port, struct listeners *listeners,
    struct err *err)
{
	struct sockaddr_storage copy;
	int fd;

	if (listeners->n == LISTEN_MAX)
		return err_set(err, ERR_CONFIG,
		    "an interface with more than %d addresses", LISTEN_MAX);
	memset(&copy, 0, sizeof(copy));
	memcpy(&copy, address, size_of(address));
	if (copy.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&copy)->sin6_port =
		    htons((uint16_t)port);
	else
		((struct sockaddr_in *)&copy)->sin_port = htons((uint16_t)port);
	fd = socket(
	    copy.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "make a socket to listen on");
	if (bind_and_listen(fd, &copy, port, err) == -1) {
		(void)close(fd);
		return -1;
	}
	listeners->fd[listeners->n++] = fd;
	return 0;
}

static int
bind_and_listen(
    int fd, const struct sockaddr_storage *address, int port, struct err *err)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr *any = (const struct sockaddr *)address;
	const int on = 1;
	/* An address of its own is this family's alone; "::" is for both. */
	int only = address->ss_family == AF_INET6 &&
		   !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
	char text[ENVELOPE_PEER_SIZE];

	describe(address, text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (bind(fd, any, size_of(any)) == -1 || listen(fd, BACKLOG) == -1)
		return err_sys(err, "listen on %s port %d", text, port);
	return 0;
}

/* 0 for a family that is not ours. */
static socklen_t
size_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

/* ::ffff:192.0.2.1 -> 192.0.2.1 */
static void
unmap(struct sockaddr_storage *address)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in = {.sin_family = AF_INET};

	memcpy(&in6, address, sizeof(in6));
	if (in6.sin6_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return;
	memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	memset(address, 0, sizeof(*address));
	memcpy(address, &in, sizeof(in));
}

static void
describe(const struct sockaddr_storage *address, char out[ENVELOPE_PEER_SIZE])
{
	struct sockaddr_storage plain = *address;
	const struct sockaddr *any = (const struct sockaddr *)&plain;

	unmap(&plain);
	if (getnameinfo(any, size_of(any), out, ENVELOPE_PEER_SIZE, NULL, 0,
		NI_NUMERICHOST) != 0)
		(void)snprintf(out, ENVELOPE_PEER_SIZE, "unknown");
}
