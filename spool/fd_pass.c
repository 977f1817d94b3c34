/*
 * Descriptors from one process to another.
 *
 * Errors: as sendmsg(2) and recvmsg(2).
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "fd_pass.h"

/* Room for one descriptor, cmsg(3). */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

ssize_t
fd_pass_send(int socket_fd, const void *data, size_t size, int fd, int flags)
{
	struct iovec part = {(void *)(uintptr_t)data, size};
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
	return sendmsg(socket_fd, &message, flags | MSG_NOSIGNAL);
}

ssize_t
fd_pass_receive(int socket_fd, void *data, size_t size, int *fd, int flags)
{
	struct iovec part = {data, size};
	union control control;
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *head;
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(socket_fd, &message, flags | MSG_CMSG_CLOEXEC);
	while (got == -1 && errno == EINTR);
	head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (head != NULL && head->cmsg_level == SOL_SOCKET &&
	    head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		(void)memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	return got;
}
