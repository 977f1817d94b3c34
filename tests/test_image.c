/*
 * Pages of the program: those that can be had again go, and come back as they
 * were; what was written stays.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/image.h"
#include "test.h"

#define SIZE	((size_t)1 << 20)
#define PRESENT ((uint64_t)1 << 63) /* proc_pid_pagemap(5) */
#define FIRST	17
#define LAST	42

static const unsigned char constant[SIZE] = {[0] = FIRST, [SIZE - 1] = LAST};
static unsigned char written[SIZE];
/* Addresses, so the dynamic linker writes them: RELRO. */
static const char *const words[] = {"one", "two", "three"};

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* How many pages of it this process has mapped. */
static size_t
resident(const volatile unsigned char *memory, size_t size)
{
	size_t page = page_size(), n = 0, at;
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd != -1);
	for (at = (uintptr_t)memory / page;
	     at < ((uintptr_t)memory + size) / page; at++) {
		CU_ASSERT_FATAL(
		    pread(fd, &entry, sizeof(entry),
			(off_t)(at * sizeof(entry))) == sizeof(entry));
		n += (entry & PRESENT) != 0;
	}
	(void)close(fd);
	return n;
}

static unsigned
sum(const volatile unsigned char *memory, size_t size)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < size; i++)
		sum += memory[i];
	return sum;
}

static void
gives_back_constants(void)
{
	CU_ASSERT(sum(constant, SIZE) == FIRST + LAST);
	CU_ASSERT(resident(constant, SIZE) >= SIZE / page_size() - 1);
	image_give_back();
	/* What lies beside it may be needed at once, and comes with it. */
	CU_ASSERT(resident(constant, SIZE) < SIZE / page_size() / 2);
	CU_ASSERT(sum(constant, SIZE) == FIRST + LAST);
}

static void
keeps_what_was_written(void)
{
	char *heap = malloc(SIZE), stack[] = "stack";

	CU_ASSERT_FATAL(heap != NULL);
	(void)memset(heap, 'h', SIZE);
	(void)memset(written, 'w', SIZE);
	image_give_back();
	CU_ASSERT(resident(written, SIZE) >= SIZE / page_size() - 1);
	CU_ASSERT(sum(written, SIZE) == (unsigned)SIZE * 'w');
	CU_ASSERT(heap[0] == 'h' && heap[SIZE - 1] == 'h');
	CU_ASSERT_STRING_EQUAL(stack, "stack");
	free(heap);
}

static void
keeps_what_was_relocated(void)
{
	/* The compiler is not to know what is there. */
	const char *const volatile *word = words;

	image_give_back();
	CU_ASSERT_STRING_EQUAL(word[0], "one");
	CU_ASSERT_STRING_EQUAL(word[1], "two");
	CU_ASSERT_STRING_EQUAL(word[2], "three");
	/* by the tables of a library, too */
	CU_ASSERT(getenv("no such variable") == NULL);
}

static const struct test_case cases[] = {
    {"constants go, and come back the same", gives_back_constants},
    {"what was written stays", keeps_what_was_written},
    {"what was relocated stays", keeps_what_was_relocated}, {0}};
TEST_SUITE(image, cases)
