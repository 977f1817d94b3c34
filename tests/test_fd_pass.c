/*
 * Messages and descriptors between two ends of a socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spool/fd_pass.h"
#include "test.h"

static void
open_pair(int pair[2])
{
	CU_ASSERT_EQUAL_FATAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void
close_pair(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
with_and_without(void)
{
	int pair[2], file[2], passed;
	struct stat sent, came;
	char text[8];

	open_pair(pair);
	CU_ASSERT_EQUAL_FATAL(pipe2(file, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(fd_pass_send(pair[0], "one", 3, file[0], 0), 3);
	CU_ASSERT_EQUAL(fd_pass_send(pair[0], "two", 3, -1, 0), 3);

	CU_ASSERT_EQUAL(
	    fd_pass_receive(pair[1], text, sizeof(text), &passed, 0), 3);
	CU_ASSERT_EQUAL(memcmp(text, "one", 3), 0);
	CU_ASSERT_NOT_EQUAL_FATAL(passed, -1);
	CU_ASSERT_EQUAL(fcntl(passed, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fstat(file[0], &sent), 0);
	CU_ASSERT_EQUAL(fstat(passed, &came), 0);
	CU_ASSERT_EQUAL(sent.st_ino, came.st_ino);
	(void)close(passed);

	CU_ASSERT_EQUAL(
	    fd_pass_receive(pair[1], text, sizeof(text), &passed, 0), 3);
	CU_ASSERT_EQUAL(memcmp(text, "two", 3), 0);
	CU_ASSERT_EQUAL(passed, -1);
	close_pair(file);
	close_pair(pair);
}

static void
nothing_and_the_end(void)
{
	int pair[2], passed = 0;
	char byte;

	open_pair(pair);
	CU_ASSERT_EQUAL(
	    fd_pass_receive(pair[1], &byte, 1, &passed, MSG_DONTWAIT), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	CU_ASSERT_EQUAL(passed, -1);
	(void)close(pair[0]);
	CU_ASSERT_EQUAL(fd_pass_receive(pair[1], &byte, 1, &passed, 0), 0);
	CU_ASSERT_EQUAL(fd_pass_send(pair[1], "x", 1, -1, 0), -1);
	CU_ASSERT_EQUAL(errno, EPIPE);
	(void)close(pair[1]);
}

static const struct test_case cases[] = {
    {"messages with and without a descriptor", with_and_without},
    {"nothing there, and the end", nothing_and_the_end},
    {0},
};

TEST_SUITE(fd_pass, cases)
