/*
 * The event loop: who is ready is called, who was removed is not.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/loop.h"
#include "test.h"

#define HIGH_FD 900

struct end {
	struct loop *loop;
	int fd[2]; /* a pipe */
	int calls;
	struct end *other; /* to be removed, or added */
};

static void
open_end(struct end *end, struct loop *loop)
{
	*end = (struct end){.loop = loop};
	if (pipe2(end->fd, O_CLOEXEC) == -1)
		abort();
}

static void
close_end(struct end *end)
{
	(void)close(end->fd[0]);
	(void)close(end->fd[1]);
}

static void
poke(struct end *end)
{
	CU_ASSERT_EQUAL(write(end->fd[1], "x", 1), 1);
}

static void
take(void *context)
{
	struct end *end = context;
	char c;

	end->calls++;
	(void)!read(end->fd[0], &c, 1);
}

static void
take_and_remove_other(void *context)
{
	struct end *end = context;

	take(end);
	loop_remove(end->loop, end->other->fd[0]);
}

static void
take_and_add_high(void *context)
{
	struct end *end = context;
	struct err err;

	take(end);
	loop_remove(end->loop, end->fd[0]);
	/* The table of handlers grows while one of them runs. */
	CU_ASSERT_EQUAL(dup2(end->other->fd[0], HIGH_FD), HIGH_FD);
	CU_ASSERT_EQUAL(
	    loop_add(end->loop, HIGH_FD, take, end->other, &err), 0);
}

static void
calls_who_is_ready(void)
{
	struct loop *loop = loop_create(NULL);
	struct end a, b;
	struct err err;

	open_end(&a, loop);
	open_end(&b, loop);
	CU_ASSERT_EQUAL(loop_add(loop, a.fd[0], take, &a, &err), 0);
	CU_ASSERT_EQUAL(loop_add(loop, b.fd[0], take, &b, &err), 0);
	CU_ASSERT_EQUAL(loop_turn(loop, 0, &err), 0);
	CU_ASSERT_EQUAL(a.calls + b.calls, 0);
	poke(&a);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(a.calls, 1);
	CU_ASSERT_EQUAL(b.calls, 0);
	/* What is not taken is told again. */
	poke(&b);
	poke(&b);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(b.calls, 2);
	/* A peer that is gone is ready, too. */
	(void)close(a.fd[1]);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(a.calls, 2);
	loop_free(loop);
	CU_ASSERT_NOT_EQUAL(fcntl(a.fd[0], F_GETFD), -1);
	close_end(&a);
	close_end(&b);
}

/* Both are ready in one turn: the first to be called removes the other. */
static void
calls_nobody_who_was_removed(void)
{
	struct loop *loop = loop_create(NULL);
	struct end a, b;
	struct err err;

	open_end(&a, loop);
	open_end(&b, loop);
	a.other = &b;
	b.other = &a;
	CU_ASSERT_EQUAL(
	    loop_add(loop, a.fd[0], take_and_remove_other, &a, &err), 0);
	CU_ASSERT_EQUAL(
	    loop_add(loop, b.fd[0], take_and_remove_other, &b, &err), 0);
	poke(&a);
	poke(&b);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(a.calls + b.calls, 1);
	CU_ASSERT_EQUAL(loop_turn(loop, 0, &err), 0);
	CU_ASSERT_EQUAL(a.calls + b.calls, 1);
	loop_remove(loop, -1);
	loop_remove(loop, 100000);
	loop_free(loop);
	close_end(&a);
	close_end(&b);
}

static void
handlers_may_add(void)
{
	struct loop *loop = loop_create(NULL);
	struct end a, b;
	struct err err;

	open_end(&a, loop);
	open_end(&b, loop);
	a.other = &b;
	CU_ASSERT_EQUAL(
	    loop_add(loop, a.fd[0], take_and_add_high, &a, &err), 0);
	poke(&a);
	poke(&b);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(a.calls, 1);
	CU_ASSERT_EQUAL(b.calls, 0);
	CU_ASSERT_EQUAL(loop_turn(loop, -1, &err), 0);
	CU_ASSERT_EQUAL(b.calls, 1);
	loop_remove(loop, HIGH_FD);
	(void)close(HIGH_FD);
	poke(&b);
	CU_ASSERT_EQUAL(loop_turn(loop, 0, &err), 0);
	CU_ASSERT_EQUAL(b.calls, 1);
	loop_free(loop);
	close_end(&a);
	close_end(&b);
}

static void
waits_no_longer_than_it_may(void)
{
	struct loop *loop = loop_create(NULL);
	int64_t start_ms = clock_mono_ms();
	struct err err;

	CU_ASSERT_EQUAL(loop_turn(loop, 20, &err), 0);
	CU_ASSERT_TRUE(clock_mono_ms() - start_ms >= 19);
	CU_ASSERT_TRUE(clock_mono_ms() - start_ms < 10000);
	loop_free(loop);
	loop_free(NULL);
}

static void
says_what_it_cannot_watch(void)
{
	struct loop *loop = loop_create(NULL);
	struct err err;
	int fd;

	fd = dup(STDIN_FILENO);
	(void)close(fd);
	CU_ASSERT_EQUAL(loop_add(loop, fd, take, NULL, &err), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "watch descriptor"));
	loop_free(loop);
}

static const struct test_case cases[] = {
    {"calls who is ready", calls_who_is_ready},
    {"calls nobody who was removed", calls_nobody_who_was_removed},
    {"handlers may add", handlers_may_add},
    {"waits no longer than it may", waits_no_longer_than_it_may},
    {"says what it cannot watch", says_what_it_cannot_watch},
    {0},
};

TEST_SUITE(loop, cases)
