/*
 * Words between parent and child.
 *
 * Errors: what cannot be sent is lost, and the callers can live with that;
 * CHANNEL_GONE once nothing more can come.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "channel.h"

int
channel_send(int fd, enum channel_word word)
{
	char byte = (char)word;

	return send(fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -1;
}

enum channel_word
channel_receive(int fd)
{
	ssize_t got;
	char byte;

	do
		got = recv(fd, &byte, 1, MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	if (got == -1 && errno == EAGAIN)
		return CHANNEL_NONE;
	return got == 1 ? (enum channel_word)byte : CHANNEL_GONE;
}
