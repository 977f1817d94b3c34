/*
 * Changes to what a peer sends that know what it is made of: PDUs (PS3.8 9.3),
 * and in them items or PDVs, each with its length. Without it nearly all that
 * a fuzzer makes of a message ends at its first length.
 *
 * Errors: none; what it cannot read is changed as any other bytes are.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define PDU_HEAD      6
#define PDV_HEAD      4
#define ITEM_HEAD     4
#define ASSOCIATE_END 68 /* of the fixed part of an A-ASSOCIATE PDU's body */
#define PDUS	      64
#define WRONG_ONE_IN  16 /* lengths that are left as they were */

/* libFuzzer's own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* A piece with a length of its own that stands `back` bytes before it. */
struct piece {
	size_t at, size;
	size_t back, width;
};

struct change {
	uint8_t *data;
	size_t size, max;
	uint64_t luck;
};

static size_t chance(struct change *c, size_t n);
static size_t find_pdus(
    const struct change *c, size_t from, struct piece pdus[PDUS]);
static bool find_inner(
    struct change *c, const struct piece *pdu, struct piece *inner);
static size_t get(const uint8_t *at, size_t width);
static void put(uint8_t *at, size_t width, size_t value);
static void change_piece(
    struct change *c, const struct piece *piece, const struct piece *around);
static void repeat(
    struct change *c, const struct piece *pdu, const struct piece *before);
static void drop(struct change *c, const struct piece *pdu);

size_t
fuzz_mutate_pdus(
    uint8_t *data, size_t size, size_t max, unsigned seed, size_t from)
{
	struct change c = {data, size, max, seed};
	struct piece pdus[PDUS], inner;
	const struct piece *pdu;
	size_t n, i;

	n = find_pdus(&c, from, pdus);
	if (n == 0 || chance(&c, 4) == 0)
		return LLVMFuzzerMutate(data, size, max);
	for (i = 1 + chance(&c, 3); i > 0 && n > 0; i--) {
		pdu = &pdus[chance(&c, n)];
		switch (chance(&c, 8)) {
		case 0:
			repeat(&c, pdu, &pdus[chance(&c, n)]);
			break;
		case 1:
			drop(&c, pdu);
			break;
		case 2:
			c.data[pdu->at - PDU_HEAD] = (uint8_t)chance(&c, 9);
			break;
		case 3:
			change_piece(&c, pdu, NULL);
			break;
		default:
			if (find_inner(&c, pdu, &inner))
				change_piece(&c, &inner, pdu);
			else
				change_piece(&c, pdu, NULL);
			break;
		}
		n = find_pdus(&c, from, pdus);
	}
	return c.size;
}

/* Less than n; of a linear congruential generator (Knuth's MMIX). */
static size_t
chance(struct change *c, size_t n)
{
	c->luck = c->luck * 6364136223846793005U + 1442695040888963407U;
	return (size_t)(c->luck >> 33) % n;
}

static size_t
find_pdus(const struct change *c, size_t from, struct piece pdus[PDUS])
{
	size_t at = from, n = 0, size;

	while (n < PDUS && at <= c->size && c->size - at >= PDU_HEAD) {
		size = get(c->data + at + 2, 4);
		at += PDU_HEAD;
		if (size > c->size - at)
			size = c->size - at;
		pdus[n++] = (struct piece){at, size, 4, 4};
		at += size;
	}
	return n;
}

/* One of the PDU's PDVs, items, or what is in an item. */
static bool
find_inner(struct change *c, const struct piece *pdu, struct piece *inner)
{
	uint8_t type = c->data[pdu->at - PDU_HEAD];
	size_t head = type == 4 ? PDV_HEAD : ITEM_HEAD;
	size_t width = type == 4 ? 4 : 2, end = pdu->at + pdu->size, n = 0;
	size_t at = pdu->at, size;

	if (type < 1 || type > 4 || type == 3)
		return false;
	if (type != 4)
		at += ASSOCIATE_END;
	for (; at <= end && end - at >= head; at += size) {
		size = get(c->data + at + head - width, width);
		at += head;
		if (size > end - at)
			size = end - at;
		/* Each of them as likely as the others. */
		if (chance(c, ++n) == 0)
			*inner = (struct piece){at, size, width, width};
	}
	return n > 0;
}

static size_t
get(const uint8_t *at, size_t width)
{
	size_t value = 0, i;

	for (i = 0; i < width; i++)
		value = value << 8 | at[i];
	return value;
}

static void
put(uint8_t *at, size_t width, size_t value)
{
	for (; width > 0; width--, value >>= 8)
		at[width - 1] = (uint8_t)value;
}

/* Another value in its place; what is around it, and its length, follow. */
static void
change_piece(
    struct change *c, const struct piece *piece, const struct piece *around)
{
	size_t behind = piece->at + piece->size, rest = c->size - behind;
	size_t now, room = piece->size + (c->max - c->size);
	uint8_t *value;

	value = malloc(room + 1);
	FUZZ_CHECK(value != NULL);
	memcpy(value, c->data + piece->at, piece->size);
	now = room == 0 ? 0 : LLVMFuzzerMutate(value, piece->size, room);
	memmove(c->data + piece->at + now, c->data + behind, rest);
	memcpy(c->data + piece->at, value, now);
	free(value);
	c->size = piece->at + now + rest;
	if (chance(c, WRONG_ONE_IN) != 0)
		put(c->data + piece->at - piece->back, piece->width, now);
	if (around != NULL && chance(c, WRONG_ONE_IN) != 0)
		put(c->data + around->at - around->back, around->width,
		    around->size + now - piece->size);
}

/* A PDU once more, before another. */
static void
repeat(struct change *c, const struct piece *pdu, const struct piece *before)
{
	size_t whole = PDU_HEAD + pdu->size, at = before->at - PDU_HEAD;
	uint8_t *copy;

	if (c->size + whole > c->max)
		return;
	copy = malloc(whole);
	FUZZ_CHECK(copy != NULL);
	memcpy(copy, c->data + pdu->at - PDU_HEAD, whole);
	memmove(c->data + at + whole, c->data + at, c->size - at);
	memcpy(c->data + at, copy, whole);
	free(copy);
	c->size += whole;
}

static void
drop(struct change *c, const struct piece *pdu)
{
	size_t behind = pdu->at + pdu->size, at = pdu->at - PDU_HEAD;

	if (at == 0 && behind == c->size)
		return;
	memmove(c->data + at, c->data + behind, c->size - behind);
	c->size -= behind - at;
}
