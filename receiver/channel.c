/*
 * Words between parent and child.
 *
 * Errors: what cannot be sent is lost, and the callers can live with that;
 * CHANNEL_GONE once nothing more can come.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../spool/fd_pass.h"
#include "channel.h"

int
channel_send(int fd, enum channel_word word)
{
	return channel_pass(fd, word, -1);
}

int
channel_pass(int fd, enum channel_word word, int passed)
{
	char byte = (char)word;

	return fd_pass_send(fd, &byte, 1, passed, MSG_DONTWAIT) == 1 ? 0 : -1;
}

enum channel_word
channel_receive(int fd)
{
	enum channel_word word;
	int passed;

	word = channel_receive_fd(fd, &passed);
	if (passed != -1)
		(void)close(passed);
	return word;
}

enum channel_word
channel_receive_fd(int fd, int *passed)
{
	char byte = 0;
	ssize_t got = fd_pass_receive(fd, &byte, 1, passed, MSG_DONTWAIT);

	if (got == -1 && errno == EAGAIN)
		return CHANNEL_NONE;
	return got == 1 ? (enum channel_word)byte : CHANNEL_GONE;
}
