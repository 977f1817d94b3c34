/*
 * sender/index_memory.c: what is large is not there in a forked child.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sender/index_memory.h"
#include "test.h"

#define LARGE INDEX_MEMORY_LARGE_BYTES

static bool
is_zero(const unsigned char *memory, size_t bytes)
{
	while (bytes-- > 0)
		if (memory[bytes] != 0)
			return false;
	return true;
}

/* A child that has it can be asked what of it is in memory: mincore(2). */
static bool
is_in_a_child(void *memory)
{
	unsigned char in_core;
	int wait_status;
	pid_t pid;

	pid = fork();
	CU_ASSERT_FATAL(pid != -1);
	if (pid == 0)
		_exit(mincore(memory, 1, &in_core) == 0);
	CU_ASSERT_FATAL(waitpid(pid, &wait_status, 0) == pid);
	CU_ASSERT_FATAL(WIFEXITED(wait_status));
	return WEXITSTATUS(wait_status) != 0;
}

static void
test_sizes(void)
{
	static const struct {
		size_t bytes;
		bool is_large;
	} rows[] = {{1, false}, {64, false}, {LARGE - 1, false}, {LARGE, true},
	    {LARGE + 1, true}, {5 * LARGE, true}, {16 * LARGE - 8, true}};
	enum {
		ROWS = sizeof(rows) / sizeof(rows[0])
	};
	unsigned char *memory[ROWS];
	size_t i;

	for (i = 0; i < ROWS; i++) {
		memory[i] = index_memory_get(rows[i].bytes);
		CU_ASSERT_PTR_NOT_NULL_FATAL(memory[i]);
		CU_ASSERT(is_zero(memory[i], rows[i].bytes));
		CU_ASSERT(
		    !rows[i].is_large || (uintptr_t)memory[i] % LARGE == 0);
		(void)memset(memory[i], (int)i + 1, rows[i].bytes);
	}
	for (i = 0; i < ROWS; i++) {
		CU_ASSERT(memory[i][0] == i + 1);
		CU_ASSERT(memory[i][rows[i].bytes - 1] == i + 1);
		if (rows[i].is_large)
			CU_ASSERT(!is_in_a_child(memory[i]));
		index_memory_free(memory[i], rows[i].bytes);
	}
	index_memory_free(NULL, 1);
	index_memory_free(NULL, LARGE);
}

/* The measure itself: what is mapped otherwise is there. */
static void
test_others_are_there(void)
{
	void *other = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(other != MAP_FAILED);
	CU_ASSERT(is_in_a_child(other));
	(void)munmap(other, LARGE);
}

static void
test_none(void)
{
	CU_ASSERT_PTR_NULL(index_memory_get(SIZE_MAX / 2));
}

static const struct test_case cases[] = {{"small and large", test_sizes},
    {"a child has what is not ours", test_others_are_there},
    {"no memory", test_none}, {0}};
TEST_SUITE(index_memory, cases)
