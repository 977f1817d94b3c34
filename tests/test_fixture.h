/*
 * What several tests stand on: a spool, files, an item, a child process.
 */
#ifndef DCMSPOOL_TEST_FIXTURE_H
#define DCMSPOOL_TEST_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "../spool/item.h"
#include "../spool/spool.h"

#define TEST_ASSOCIATION "20261123T225001.000001Z-4711"
#define TEST_UID	 "1.2.840.113619.2.55.3.604"
#define TEST_CLASS	 "1.2.840.10008.5.1.4.1.1.2"
#define TEST_SYNTAX	 "1.2.840.10008.1.2.1"

/* Real instances, where Debian's python3-pydicom is installed. */
#define TEST_REAL "/usr/lib/python3/dist-packages/pydicom/data/test_files/"

/* A new spool in a folder of its own. */
void test_spool_create(struct spool *spool);

/* Below dirfd; aborts where that fails. */
void test_write(int dirfd, const char *path, const void *data, size_t size);
void test_write_text(int dirfd, const char *path, const char *text);
bool test_there(int dirfd, const char *path);
/* The names in a folder, dots too. */
size_t test_count(int dirfd, const char *path);

/* With TEST_UID and so on, and a whole envelope but for the digest. */
void test_part10(struct part10 *part10);

/* Runs in a process of its own, killed after 20 s. Its exit code, or -1. */
int test_in_child(int (*run)(void *context), void *context);

/* Says so on the terminal: nothing is left out unseen. */
void test_skip(const char *why);

#endif
