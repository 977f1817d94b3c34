/*
 * Preloaded into the daemons: a process of the sender that sends an instance
 * with one of the SOP Instance UIDs in POISON_UID (comma-separated) over TCP
 * aborts, as a lane would on which an item finds a bug; confined as it is, it
 * cannot send itself SIGABRT, and abort(3) ends it in another way.
 *
 * Errors: none; without POISON_UID it changes nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_poison(const struct iovec *part);
static bool is_tcp(int fd);
static void wait_for_gate(void);

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int);
	size_t i;

	for (i = 0; i < message->msg_iovlen; i++)
		if (is_poison(&message->msg_iov[i]) && is_tcp(fd)) {
			wait_for_gate();
			abort();
		}
	*(void **)&next = dlsym(RTLD_NEXT, "sendmsg");
	return next(fd, message, flags);
}

static bool
is_poison(const struct iovec *part)
{
	const char *uid = getenv("POISON_UID"), *end;
	size_t size;

	if (strcmp(program_invocation_short_name, "dcmspool-sender") != 0)
		return false;
	for (; uid != NULL && *uid != '\0'; uid = *end == ',' ? end + 1 : end) {
		end = strchrnul(uid, ',');
		size = (size_t)(end - uid);
		if (size > 0 && part->iov_len >= size &&
		    memmem(part->iov_base, part->iov_len, uid, size) != NULL)
			return true;
	}
	return false;
}

static bool
is_tcp(int fd)
{
	socklen_t size = sizeof(int);
	int protocol = 0;

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
	       protocol == 6;
}

static void
wait_for_gate(void)
{
	const char *gate = getenv("POISON_GATE");

	while (gate != NULL && faccessat(AT_FDCWD, gate, F_OK, 0) == 0)
		(void)usleep(1000);
}
