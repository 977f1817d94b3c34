/*
 * Words between parent and child.
 *
 * Errors: what cannot be sent is lost, and the callers can live with that;
 * CHANNEL_GONE once nothing more can come.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "channel.h"

/* Room for one descriptor, cmsg(3). */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static enum channel_word word_of(ssize_t got, char byte);

int
channel_send(int fd, enum channel_word word)
{
	char byte = (char)word;

	return send(fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int
channel_pass(int fd, enum channel_word word, int passed)
{
	char byte = (char)word;
	struct iovec part = {&byte, 1};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *head = &control.head;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	(void)memcpy(CMSG_DATA(head), &passed, sizeof(passed));
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -1;
}

enum channel_word
channel_receive(int fd)
{
	ssize_t got;
	char byte;

	do
		got = recv(fd, &byte, 1, MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	return word_of(got, byte);
}

enum channel_word
channel_receive_fd(int fd, int *passed)
{
	char byte = 0;
	struct iovec part = {&byte, 1};
	union control control;
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *head;
	ssize_t got;

	*passed = -1;
	do
		got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got == -1 && errno == EINTR);
	head = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (head != NULL && head->cmsg_type == SCM_RIGHTS)
		(void)memcpy(passed, CMSG_DATA(head), sizeof(int));
	return word_of(got, byte);
}

static enum channel_word
word_of(ssize_t got, char byte)
{
	if (got == -1 && errno == EAGAIN)
		return CHANNEL_NONE;
	return got == 1 ? (enum channel_word)byte : CHANNEL_GONE;
}
