/*
 * A chain as a treap: its priorities are a hash of the key, so that no order
 * of arrival makes it deep.
 *
 * Errors: none.
 */
#include "index_chain.h"

static int compare(
    const struct index_item *item, int64_t stamp_us, uint16_t message_id);
static uint64_t priority(const struct index_item *item);
static uint8_t marks_of(const struct index_item *item);
static void update(struct index_item *item);
static void split(struct index_item *root, const struct index_item *at,
    struct index_item **before, struct index_item **behind);
static struct index_item *merge(
    struct index_item *before, struct index_item *behind);

struct index_item *
index_chain_insert(struct index_item *root, struct index_item *item)
{
	if (root == NULL || priority(item) > priority(root)) {
		split(root, item, &item->before, &item->behind);
		update(item);
		return item;
	}
	if (compare(item, root->stamp_us, root->message_id) < 0)
		root->before = index_chain_insert(root->before, item);
	else
		root->behind = index_chain_insert(root->behind, item);
	update(root);
	return root;
}

struct index_item *
index_chain_remove(struct index_item *root, struct index_item *item)
{
	if (root == item)
		return merge(item->before, item->behind);
	if (compare(item, root->stamp_us, root->message_id) < 0)
		root->before = index_chain_remove(root->before, item);
	else
		root->behind = index_chain_remove(root->behind, item);
	update(root);
	return root;
}

void
index_chain_refresh(struct index_item *root, struct index_item *item)
{
	if (root != item)
		index_chain_refresh(
		    compare(item, root->stamp_us, root->message_id) < 0
			? root->before
			: root->behind,
		    item);
	update(root);
}

struct index_item *
index_chain_find(struct index_item *root, int64_t stamp_us, uint16_t message_id)
{
	int by_key;

	while (root != NULL) {
		by_key = compare(root, stamp_us, message_id);
		if (by_key == 0)
			break;
		root = by_key > 0 ? root->before : root->behind;
	}
	return root;
}

struct index_item *
index_chain_after(
    struct index_item *root, int64_t stamp_us, uint16_t message_id)
{
	struct index_item *found = NULL;

	while (root != NULL) {
		if (compare(root, stamp_us, message_id) > 0) {
			found = root;
			root = root->before;
		} else {
			root = root->behind;
		}
	}
	return found;
}

struct index_item *
index_chain_first(struct index_item *root, enum index_mark mark)
{
	while (index_chain_has(root, mark)) {
		if (index_chain_has(root->before, mark))
			root = root->before;
		else if ((marks_of(root) & mark) != 0)
			return root;
		else
			root = root->behind;
	}
	return NULL;
}

bool
index_chain_has(const struct index_item *root, enum index_mark mark)
{
	return root != NULL && (root->marks & mark) != 0;
}

/* The finalizer of MurmurHash3. */
static uint64_t
priority(const struct index_item *item)
{
	uint64_t key = (uint64_t)item->stamp_us * 65536 + item->message_id;

	key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdULL;
	key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53ULL;
	return key ^ (key >> 33);
}

static uint8_t
marks_of(const struct index_item *item)
{
	unsigned marks = 0;

	if (item->state != QUEUE_FAILED)
		marks |= INDEX_MARK_LIVE;
	if (item->state != QUEUE_FAILED && item->waited)
		marks |= INDEX_MARK_WAITED;
	if (item->in_flight || item->suspect)
		marks |= INDEX_MARK_BLOCKED;
	if (item->order != INDEX_NOWHERE)
		marks |= INDEX_MARK_ORDERED;
	return (uint8_t)marks;
}

static void
update(struct index_item *item)
{
	unsigned marks = marks_of(item);

	if (item->before != NULL)
		marks |= item->before->marks;
	if (item->behind != NULL)
		marks |= item->behind->marks;
	item->marks = (uint8_t)marks;
}

static void
split(struct index_item *root, const struct index_item *at,
    struct index_item **before, struct index_item **behind)
{
	if (root == NULL) {
		*before = *behind = NULL;
		return;
	}
	if (compare(root, at->stamp_us, at->message_id) < 0) {
		*before = root;
		split(root->behind, at, &root->behind, behind);
	} else {
		*behind = root;
		split(root->before, at, before, &root->before);
	}
	update(root);
}

static struct index_item *
merge(struct index_item *before, struct index_item *behind)
{
	if (before == NULL)
		return behind;
	if (behind == NULL)
		return before;
	if (priority(before) > priority(behind)) {
		before->behind = merge(before->behind, behind);
		update(before);
		return before;
	}
	behind->before = merge(before, behind->before);
	update(behind);
	return behind;
}

/* By stamp, then by message ID: < 0, 0, > 0 */
static int
compare(const struct index_item *item, int64_t stamp_us, uint16_t message_id)
{
	if (item->stamp_us != stamp_us)
		return item->stamp_us < stamp_us ? -1 : 1;
	return (int)item->message_id - (int)message_id;
}
