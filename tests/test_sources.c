/*
 * How much of each peer is queued: counted where the items are, whatever is
 * done with them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../receiver/sources.h"
#include "../spool/fs.h"
#include "test.h"
#include "test_fixture.h"

#define CT  "192.0.2.1"
#define MR  "2001:db8::1"
#define MR2 "2001:db8::2" /* of the same host */

static struct spool spool;
static struct shared *shared;
static struct sources *sources;

static void
set_up(void)
{
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "A", &err), 0);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "B", &err), 0);
	shared = shared_create(0, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(shared);
	sources = sources_create(&spool, shared, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sources);
}

static void
tear_down(void)
{
	sources_free(sources);
	shared_free(shared);
	spool_close(&spool);
}

/* Published for A, and B where there are two. Its name. */
static void
put(const char *peer, size_t bytes, size_t dests_n, char file[NAME_ITEM_SIZE])
{
	static const char *const dests[] = {"A", "B"};
	static uint8_t data[100000];
	struct item_writer *writer;
	struct item_slot slot;
	struct item_name name;
	struct part10 part10;
	struct err err;

	test_part10(&part10);
	(void)snprintf(part10.envelope.peer_address,
	    sizeof(part10.envelope.peer_address), "%s", peer);
	CU_ASSERT_EQUAL_FATAL(
	    item_slot_open(&spool, TEST_ASSOCIATION, &slot, &err), 0);
	writer = item_writer_create(&spool, &part10, &slot, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	CU_ASSERT_EQUAL(item_writer_write(writer, data, bytes, &err), 0);
	CU_ASSERT_EQUAL(item_writer_complete(writer, &err), 0);
	CU_ASSERT_EQUAL(item_writer_publish(writer, shared->stamps, dests,
			    dests_n, &name, &err),
	    0);
	item_writer_close(&writer);
	name_format(&name, file);
}

static int
see_file(void *context, const char *file)
{
	const char *const *where = context;
	enum queue_state state;

	CU_ASSERT_EQUAL(queue_state_parse(where[1], &state), 1);
	sources_see(sources, where[0], state, file);
	return 0;
}

static void
see(const char *dest, enum queue_state state)
{
	const char *where[] = {dest, queue_state_name(state)};
	char path[PATH_SIZE];

	path_state(path, dest, state);
	CU_ASSERT_EQUAL(fs_scan(spool.root_fd, path, see_file, where, NULL), 0);
}

static void
count(void)
{
	struct err err;

	sources_begin(sources);
	see("A", QUEUE_NEW);
	see("A", QUEUE_FAILED);
	see("B", QUEUE_NEW);
	CU_ASSERT_EQUAL(sources_settle(sources, &err), 0);
}

static void
move(const char *dest, enum queue_state from, enum queue_state to,
    const char *file)
{
	char old[PATH_SIZE], new[PATH_SIZE];
	struct err err;

	path_item(old, dest, from, file);
	path_item(new, dest, to, file);
	CU_ASSERT_EQUAL(fs_rename(spool.root_fd, old, new, &err), 1);
}

static bool
is_full(const char *peer, int64_t most)
{
	const struct conf_receiver receiver = {
	    .max_queue_bytes_per_peer = most};

	return sources_is_full(shared, &receiver, peer);
}

/* Between less and the most that it can be. */
static bool
has(const char *peer, int64_t bytes)
{
	return bytes == 0 ? !is_full(peer, 1)
			  : is_full(peer, bytes) &&
				!is_full(peer, bytes + PART10_SIZE + 512);
}

static void
counts_each_peer(void)
{
	char file[NAME_ITEM_SIZE];

	set_up();
	put(CT, 50000, 1, file);
	put(CT, 30000, 1, file);
	put(MR, 20000, 1, file);
	CU_ASSERT_TRUE(has(CT, 0) && has(MR, 0));
	count();
	CU_ASSERT_TRUE(is_full(CT, 80000));
	CU_ASSERT_FALSE(is_full(CT, 80000 + 2 * (PART10_SIZE + 512)));
	CU_ASSERT_TRUE(has(MR, 20000) && has(MR2, 20000));
	CU_ASSERT_TRUE(has("192.0.2.2", 0) && has("unknown", 0));
	/* No limit. */
	CU_ASSERT_FALSE(is_full(CT, 0));
	count();
	CU_ASSERT_TRUE(is_full(CT, 80000) && has(MR, 20000));
	tear_down();
}

static void
follows_what_is_done(void)
{
	char path[PATH_SIZE], one[NAME_ITEM_SIZE], both[NAME_ITEM_SIZE];
	struct err err;

	set_up();
	put(CT, 50000, 1, one);
	put(MR, 20000, 2, both);
	count();
	CU_ASSERT_TRUE(has(CT, 50000) && has(MR, 20000)); /* once */
	move("A", QUEUE_NEW, QUEUE_FAILED, one);
	count();
	CU_ASSERT_TRUE(has(CT, 50000));
	move("A", QUEUE_FAILED, QUEUE_SENT, one);
	path_item(path, "A", QUEUE_NEW, both);
	CU_ASSERT_EQUAL(fs_unlink(spool.root_fd, path, &err), 1);
	count();
	CU_ASSERT_TRUE(has(CT, 0) && has(MR, 20000));
	path_item(path, "B", QUEUE_NEW, both);
	CU_ASSERT_EQUAL(fs_unlink(spool.root_fd, path, &err), 1);
	move("A", QUEUE_SENT, QUEUE_NEW, one);
	count();
	CU_ASSERT_TRUE(has(CT, 50000) && has(MR, 0));
	tear_down();
}

/* What is published while a count runs may count twice until the next. */
static void
adds_what_comes(void)
{
	const struct conf_receiver receiver = {.max_queue_bytes_per_peer = 1};
	char file[NAME_ITEM_SIZE];

	set_up();
	put(CT, 50000, 1, file);
	sources_add(shared, &receiver, CT, 50000);
	CU_ASSERT_TRUE(is_full(CT, 50000) && !is_full(CT, 50001));
	sources_begin(sources);
	put(CT, 10000, 1, file);
	sources_add(shared, &receiver, CT, 10000);
	put(MR, 10000, 1, file);
	sources_add(shared, &receiver, MR, 10000);
	see("A", QUEUE_NEW);
	CU_ASSERT_EQUAL(sources_settle(sources, NULL), 0);
	CU_ASSERT_TRUE(is_full(CT, 70000) && is_full(MR, 20000));
	count();
	CU_ASSERT_TRUE(is_full(CT, 60000) && !is_full(CT, 70000));
	CU_ASSERT_TRUE(has(MR, 10000));
	tear_down();
}

static void
foreign_items_are_nobodys(void)
{
	char path[PATH_SIZE];

	set_up();
	path_item(path, "A", QUEUE_NEW, "20261123T225001.000001Z-m0-1.2.dcm");
	test_write_text(spool.root_fd, path, "no envelope");
	path_item(path, "A", QUEUE_NEW, "20261123T225001.000002Z-m0-1.2.dcm");
	test_write_text(spool.root_fd, path,
	    ENVELOPE_MAGIC "\nPeerAddress: ../../etc/passwd\n");
	path_item(path, "A", QUEUE_NEW, "20261123T225001.000003Z-m0-1.2.dcm");
	test_write_text(spool.root_fd, path,
	    "\nPeerAddress: " CT "\n" ENVELOPE_MAGIC "\nCallingAET: x\n");
	count();
	CU_ASSERT_TRUE(has(CT, 0));
	tear_down();
}

static const struct test_case cases[] = {
    {"counts each peer", counts_each_peer},
    {"follows what is done with items", follows_what_is_done},
    {"adds what comes", adds_what_comes},
    {"foreign items are nobody's", foreign_items_are_nobodys},
    {0},
};

TEST_SUITE(sources, cases)
