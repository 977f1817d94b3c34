/*
 * Items, the writing side: tmp/, then new/ of each destination.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../spool/fs.h"
#include "../spool/item.h"
#include "test.h"
#include "test_fixture.h"

#define DATA   "\x08\0\x05\0CS\x0a\0ISO_IR 100"
#define DATA_N (sizeof(DATA) - 1)

static const char *const dests[] = {"A", "B", "C"};

/* tmp: where it is written. */
static struct item_writer *
create(const struct spool *spool, char tmp[PATH_SIZE], struct err *err)
{
	struct item_slot slot;
	struct part10 p;

	test_part10(&p);
	if (item_slot_open(spool, p.envelope.association, &slot, err) == -1)
		return NULL;
	(void)strcpy(tmp, slot.path);
	return item_writer_create(spool, &p, &slot, err);
}

/* A complete item in tmp/, its data set written in two pieces. */
static struct item_writer *
write_item(const struct spool *spool)
{
	struct item_writer *w;
	char tmp[PATH_SIZE];
	struct err err;

	w = create(spool, tmp, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(item_writer_write(w, DATA, 5, &err), 0);
	CU_ASSERT_EQUAL(item_writer_write(w, DATA + 5, DATA_N - 5, &err), 0);
	CU_ASSERT_EQUAL(item_writer_bytes(w), DATA_N);
	CU_ASSERT_EQUAL(item_writer_complete(w, &err), 0);
	return w;
}

static void
make_dests(const struct spool *spool)
{
	struct err err;
	size_t i;

	for (i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(
		    spool_make_destination(spool, dests[i], &err), 0);
}

static void
path_of(const struct item_name *name, const char *dest, char path[PATH_SIZE])
{
	char file[NAME_ITEM_SIZE];

	name_format(name, file);
	path_item(path, dest, QUEUE_NEW, file);
}

static void
is_written_in_tmp(void)
{
	char tmp[PATH_SIZE], other[PATH_SIZE];
	struct item_writer *w, *v;
	struct spool spool;
	struct stat st;
	struct err err;

	test_spool_create(&spool);
	w = create(&spool, tmp, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(fs_stat(spool.root_fd, tmp, &st, &err), 1);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	/* Each has a file of its own. */
	v = create(&spool, other, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_STRING_NOT_EQUAL(tmp, other);
	CU_ASSERT_EQUAL(item_writer_write(w, "x", 1, &err), 0);
	/* An association that breaks leaves nothing. */
	item_writer_close(&w);
	CU_ASSERT_PTR_NULL(w);
	CU_ASSERT_FALSE(test_there(spool.root_fd, tmp));
	CU_ASSERT_TRUE(test_there(spool.root_fd, other));
	item_writer_close(&v);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "tmp"), 0);
	item_writer_close(&w);
	spool_close(&spool);
}

static void
is_published_everywhere(void)
{
	struct stamp_source *stamps = stamp_source_create(0, NULL);
	struct item_reader reader;
	struct item_writer *w;
	struct item_name name;
	XXH128_hash_t hash = XXH3_128bits(DATA, DATA_N);
	char path[PATH_SIZE], back[DATA_N], digest[40];
	struct spool spool;
	struct stat st;
	struct err err;
	ino_t inode = 0;
	size_t i;

	test_spool_create(&spool);
	make_dests(&spool);
	w = write_item(&spool);
	CU_ASSERT_EQUAL(item_writer_sync(w, &err), 0);
	CU_ASSERT_EQUAL(
	    item_writer_publish(w, stamps, dests, 3, &name, &err), 0);
	CU_ASSERT_EQUAL(item_writer_sync(w, &err), 0);
	CU_ASSERT_EQUAL(item_writer_sync(w, &err), 0);
	CU_ASSERT_EQUAL(name.message_id, 17);
	CU_ASSERT_STRING_EQUAL(name.uid, TEST_UID);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "tmp"), 0);
	for (i = 0; i < 3; i++) {
		path_of(&name, dests[i], path);
		CU_ASSERT_EQUAL(fs_stat(spool.root_fd, path, &st, &err), 1);
		CU_ASSERT_EQUAL(st.st_nlink, 3);
		CU_ASSERT_TRUE(inode == 0 || st.st_ino == inode);
		inode = st.st_ino;
	}
	item_writer_close(&w);
	CU_ASSERT_EQUAL_FATAL(item_reader_open(&spool, path, &reader, &err), 0);
	CU_ASSERT_EQUAL(reader.data_set_bytes, DATA_N);
	CU_ASSERT_EQUAL(reader.part10.envelope.data_set_bytes, DATA_N);
	CU_ASSERT_STRING_EQUAL(
	    reader.part10.envelope.association, TEST_ASSOCIATION);
	(void)snprintf(digest, sizeof(digest), "%016llx%016llx",
	    (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	CU_ASSERT_STRING_EQUAL(reader.part10.envelope.digest, digest);
	CU_ASSERT_EQUAL(fs_pread(reader.fd, back, DATA_N,
			    (off_t)reader.part10.data_set_offset, path, &err),
	    (ssize_t)DATA_N);
	CU_ASSERT_EQUAL(memcmp(back, DATA, DATA_N), 0);
	item_reader_close(&reader);
	CU_ASSERT_EQUAL(reader.fd, -1);
	spool_close(&spool);
	stamp_source_free(stamps);
}

static void
to_one_it_is_a_rename(void)
{
	struct stamp_source *stamps = stamp_source_create(0, NULL);
	struct item_writer *w;
	struct item_name name;
	char path[PATH_SIZE];
	struct spool spool;
	struct stat st;
	struct err err;

	test_spool_create(&spool);
	make_dests(&spool);
	w = write_item(&spool);
	CU_ASSERT_EQUAL(
	    item_writer_publish(w, stamps, dests, 1, &name, &err), 0);
	path_of(&name, "A", path);
	CU_ASSERT_EQUAL(fs_stat(spool.root_fd, path, &st, &err), 1);
	CU_ASSERT_EQUAL(st.st_nlink, 1);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "tmp"), 0);
	item_writer_close(&w);
	CU_ASSERT_TRUE(test_there(spool.root_fd, path));
	spool_close(&spool);
	stamp_source_free(stamps);
}

/* A name that is taken is left alone, and another stamp is taken. */
static void
never_replaces_one(void)
{
	int64_t future_us = 4000000000000000;
	struct stamp_source *stamps = stamp_source_create(future_us, NULL);
	struct item_name taken = {future_us + 1, 17, TEST_UID}, name;
	struct item_writer *w;
	char path[PATH_SIZE], text[16];
	struct spool spool;
	struct err err;
	size_t n;

	for (n = 1; n <= 2; n++) {
		test_spool_create(&spool);
		make_dests(&spool);
		taken.stamp_us = future_us + 1;
		path_of(&taken, "A", path);
		test_write_text(spool.root_fd, path, "another");
		w = write_item(&spool);
		CU_ASSERT_EQUAL(
		    item_writer_publish(w, stamps, dests, n, &name, &err), 0);
		CU_ASSERT_EQUAL(name.stamp_us, future_us + 2);
		CU_ASSERT_TRUE(fs_read_file(spool.root_fd, path, text,
				   sizeof(text), &err) > 0);
		CU_ASSERT_STRING_EQUAL(text, "another");
		path_of(&name, dests[n - 1], path);
		CU_ASSERT_TRUE(test_there(spool.root_fd, path));
		item_writer_close(&w);
		spool_close(&spool);
		future_us += 2;
	}
	stamp_source_free(stamps);
}

static void
makes_a_folder_that_went(void)
{
	struct stamp_source *stamps = stamp_source_create(0, NULL);
	struct item_writer *w;
	struct item_name name;
	char path[PATH_SIZE];
	struct spool spool;
	struct err err;
	size_t n, i;

	for (n = 1; n <= 3; n++) {
		test_spool_create(&spool);
		make_dests(&spool);
		w = write_item(&spool);
		for (i = 0; i < n; i++) {
			path_state(path, dests[i], QUEUE_NEW);
			CU_ASSERT_EQUAL(fs_rmdir(spool.root_fd, path, &err), 1);
		}
		CU_ASSERT_EQUAL(
		    item_writer_publish(w, stamps, dests, n, &name, &err), 0);
		for (i = 0; i < n; i++) {
			path_of(&name, dests[i], path);
			CU_ASSERT_TRUE(test_there(spool.root_fd, path));
		}
		CU_ASSERT_EQUAL(item_writer_sync(w, &err), 0);
		item_writer_close(&w);
		spool_close(&spool);
	}
	stamp_source_free(stamps);
}

static void
tells_what_was_taken_away(void)
{
	struct stamp_source *stamps = stamp_source_create(0, NULL);
	struct item_writer *w;
	struct item_name name;
	struct spool spool;
	char tmp[PATH_SIZE];
	struct err err;
	size_t n;

	for (n = 1; n <= 2; n++) {
		test_spool_create(&spool);
		make_dests(&spool);
		w = create(&spool, tmp, &err);
		CU_ASSERT_EQUAL(item_writer_complete(w, &err), 0);
		CU_ASSERT_EQUAL(fs_unlink(spool.root_fd, tmp, &err), 1);
		CU_ASSERT_EQUAL(
		    item_writer_publish(w, stamps, dests, n, &name, &err), -1);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, tmp));
		item_writer_close(&w);
		CU_ASSERT_EQUAL(test_count(spool.root_fd, "queue/A/new"), 0);
		CU_ASSERT_EQUAL(test_count(spool.root_fd, "queue/B/new"), 0);
		spool_close(&spool);
	}
	stamp_source_free(stamps);
}

/* A folder that cannot be: what is in the queues by then stays, tmp/ not. */
static void
fails_half_way(void)
{
	struct stamp_source *stamps = stamp_source_create(0, NULL);
	struct item_writer *w;
	struct item_name name;
	struct spool spool;
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "A", &err), 0);
	test_write_text(spool.root_fd, "queue/B", "no folder");
	w = write_item(&spool);
	CU_ASSERT_EQUAL(
	    item_writer_publish(w, stamps, dests, 2, &name, &err), -1);
	CU_ASSERT_EQUAL(err.sys, ENOTDIR);
	item_writer_close(&w);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "tmp"), 0);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "queue/A/new"), 1);
	spool_close(&spool);
	stamp_source_free(stamps);
}

/* Before it is published there is only the file to sync; after that the
 * folders too, and one that is not there is told. */
static void
syncs_the_folders(void)
{
	struct stamp_source *stamps = stamp_source_create(0, NULL);
	struct item_writer *w;
	struct item_name name;
	char path[PATH_SIZE];
	struct spool spool;
	struct err err;

	test_spool_create(&spool);
	make_dests(&spool);
	w = write_item(&spool);
	CU_ASSERT_EQUAL(item_writer_sync(w, &err), 0);
	CU_ASSERT_EQUAL(
	    item_writer_publish(w, stamps, dests, 1, &name, &err), 0);
	path_of(&name, "A", path);
	CU_ASSERT_EQUAL(fs_unlink(spool.root_fd, path, &err), 1);
	CU_ASSERT_EQUAL(fs_rmdir(spool.root_fd, "queue/A/new", &err), 1);
	CU_ASSERT_EQUAL(item_writer_sync(w, &err), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "queue/A/new"));
	item_writer_close(&w);
	spool_close(&spool);
	stamp_source_free(stamps);
}

static const struct test_case cases[] = {
    {"is written in tmp/, and goes with its writer", is_written_in_tmp},
    {"is published in every queue", is_published_everywhere},
    {"to one destination it is a rename", to_one_it_is_a_rename},
    {"never replaces one that is there", never_replaces_one},
    {"makes a folder that went", makes_a_folder_that_went},
    {"tells when it was taken away", tells_what_was_taken_away},
    {"fails half way, and cleans up", fails_half_way},
    {"syncs the folders, once published", syncs_the_folders},
    {0},
};

TEST_SUITE(item, cases)
