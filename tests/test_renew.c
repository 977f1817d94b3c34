/*
 * spool/renew.c: a fresh folder in the place of a large empty one, and what a
 * kill or a power cut in between leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../spool/fs.h"
#include "../spool/renew.h"
#include "test.h"
#include "test_fixture.h"

#define NEW   "queue/PACS/new"
#define FRESH "queue/PACS/.new~"
#define NAMES 4500 /* of 250 bytes make more than a megabyte */

static void
name(char path[PATH_SIZE], int i)
{
	(void)snprintf(path, PATH_SIZE, NEW "/%0250d", i);
}

/* Its new/ has been large. false: this file system shrinks it. */
static bool
create(struct spool *spool)
{
	char path[PATH_SIZE];
	struct stat st;
	struct err err;
	int i;

	test_spool_create(spool);
	CU_ASSERT_EQUAL_FATAL(spool_make_destination(spool, "PACS", &err), 0);
	for (i = 0; i < NAMES; i++) {
		name(path, i);
		test_write_text(spool->root_fd, path, "");
	}
	for (i = 0; i < NAMES; i++) {
		name(path, i);
		CU_ASSERT_EQUAL(fs_unlink(spool->root_fd, path, &err), 1);
	}
	if (fs_stat(spool->root_fd, NEW, &st, &err) == 1 &&
	    st.st_size > 1 << 20)
		return true;
	test_skip("folders shrink here");
	return false;
}

static void
an_empty_one_is_replaced(void)
{
	struct spool spool;
	struct stat old, new;
	struct err err;

	if (create(&spool)) {
		(void)fs_stat(spool.root_fd, NEW, &old, &err);
		test_write_text(spool.root_fd, NEW "/x.dcm", "x");
		CU_ASSERT_EQUAL(renew_folder(&spool, "PACS", NEW, &err), 0);
		CU_ASSERT_TRUE(test_there(spool.root_fd, NEW "/x.dcm"));
		CU_ASSERT_FALSE(test_there(spool.root_fd, FRESH));
		(void)fs_unlink(spool.root_fd, NEW "/x.dcm", &err);
		CU_ASSERT_EQUAL(renew_folder(&spool, "PACS", NEW, &err), 1);
		CU_ASSERT_EQUAL(fs_stat(spool.root_fd, NEW, &new, &err), 1);
		CU_ASSERT_NOT_EQUAL(new.st_ino, old.st_ino);
		CU_ASSERT_TRUE(new.st_size < old.st_size);
		CU_ASSERT_EQUAL(new.st_mode & 07777, 0700);
		CU_ASSERT_FALSE(test_there(spool.root_fd, FRESH));
		CU_ASSERT_EQUAL(renew_folder(&spool, "PACS", NEW, &err), 0);
	}
	spool_close(&spool);
}

/* What an earlier one left: it comes to its place, with what is in it. */
static void
a_fresh_one_is_found(void)
{
	struct spool spool;
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL_FATAL(spool_make_destination(&spool, "PACS", &err), 0);
	CU_ASSERT_EQUAL(fs_mkdir(spool.root_fd, FRESH, &err), 0);
	test_write_text(spool.root_fd, FRESH "/x.dcm", "x");
	CU_ASSERT_EQUAL(
	    fs_remove_temporaries(spool.root_fd, "queue/PACS", &err), 0);
	CU_ASSERT_EQUAL(renew_folder(&spool, "PACS", NEW, &err), 1);
	CU_ASSERT_TRUE(test_there(spool.root_fd, NEW "/x.dcm"));
	CU_ASSERT_EQUAL(fs_mkdir(spool.root_fd, FRESH, &err), 0);
	test_write_text(spool.root_fd, FRESH "/y.dcm", "y");
	CU_ASSERT_EQUAL(renew_folder(&spool, "PACS", NEW, &err), 0);
	CU_ASSERT_TRUE(test_there(spool.root_fd, NEW "/x.dcm"));
	CU_ASSERT_TRUE(test_there(spool.root_fd, NEW "/y.dcm"));
	CU_ASSERT_FALSE(test_there(spool.root_fd, FRESH));
	spool_close(&spool);
}

/* One that is not there is made by others. */
static void
none_is_no_error(void)
{
	struct spool spool;
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(renew_folder(&spool, "PACS", NEW, &err), 0);
	spool_close(&spool);
}

static const struct test_case cases[] = {
    {"an empty one that was large is replaced", an_empty_one_is_replaced},
    {"a fresh one that was left is found", a_fresh_one_is_found},
    {"none is no error", none_is_no_error},
    {0},
};

TEST_SUITE(renew, cases)
