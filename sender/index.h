/*
 * What is queued for one destination, in memory: names only. Items of one SOP
 * Instance UID form a chain, oldest first; only its head is ever sent, and
 * nothing of a chain while one of it is in flight. Heads
 * are in one of three orders: those for which somebody waits, the others that
 * are ready, and those that wait for their time. Pure: no I/O, no clock.
 */
#ifndef DCMSPOOL_INDEX_H
#define DCMSPOOL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/tree.h>

#include "../spool/name.h"
#include "../spool/path.h"

enum index_order {
	INDEX_NOWHERE, /* behind its head, active, or failed */
	INDEX_WAITED,  /* ready, somebody waits: by stamp */
	INDEX_READY,   /* ready: by stamp */
	INDEX_TIMER    /* by due_ms */
};

struct index_item {
	RB_ENTRY(index_item) by_uid;
	RB_ENTRY(index_item) by_order;
	int64_t stamp_us;
	int64_t due_ms;	     /* monotonic; 0 = at once */
	int64_t last_ms;     /* monotonic, the end of the last try; 0 = none */
	int64_t first_us;    /* real time of the first try; 0 = none */
	uint32_t generation; /* of the scan that saw it last */
	uint16_t message_id;
	uint16_t attempts;  /* that counted */
	uint8_t breaks;	    /* of the link while it was sent, in a row */
	uint8_t deaths;	    /* of lanes */
	uint8_t state;	    /* enum queue_state: new, active, deferred,
			       failed */
	uint8_t order;	    /* enum index_order */
	bool waited;	    /* somebody waits for it */
	bool record_read;   /* what its record says is here */
	bool has_record;    /* there is one */
	bool in_flight;	    /* a lane has it, or it is being settled */
	bool record_due;    /* its record must be written before a try */
	bool answer_lost;   /* sent whole once, no answer came */
	bool suspect;	    /* the link broke on it: the next probe tells */
	bool busy_deferred; /* by a destination that was busy */
	bool delivered;	    /* only its file could not be taken away */
	char uid[];
};

RB_HEAD(index_uid_tree, index_item);
RB_HEAD(index_order_tree, index_item);

struct index {
	struct index_uid_tree by_uid;
	struct index_order_tree waited, ready, timer;
	size_t items_n;
	size_t state_n[QUEUE_STATES];
};

void index_init(struct index *index);
void index_clear(struct index *index);

/* NULL where there is no memory. The name is not in the index yet. */
struct index_item *index_insert(
    struct index *index, const struct item_name *name, enum queue_state state);
struct index_item *index_find(
    struct index *index, const struct item_name *name);
/* The same, by a file's name. */
struct index_item *index_find_file(struct index *index, const char *file);
/* Frees the item; the rest of its chain is put in order again. */
void index_remove(struct index *index, struct index_item *item, int64_t now_ms);

void index_name(const struct index_item *item, struct item_name *name);
void index_file(const struct index_item *item, char file[NAME_ITEM_SIZE]);

/* The first of this UID's chain that is not failed; or NULL. */
struct index_item *index_head(struct index *index, const char *uid);
/* The first of this UID, whatever its state; the next of the same UID. */
struct index_item *index_first(struct index *index, const char *uid);
struct index_item *index_next(struct index_item *item);
/* All items, in no useful order. */
struct index_item *index_any(struct index *index);
struct index_item *index_any_next(struct index_item *item);

void index_set_state(
    struct index *index, struct index_item *item, enum queue_state state);
/* When it may be tried: monotonic, 0 at once. */
void index_set_due(struct index *index, struct index_item *item, int64_t due_ms,
    int64_t now_ms);
/* After anything that matters to a chain has changed: puts its head, and only
 * that, into the order that is due to it. */
void index_reorder(struct index *index, const char *uid, int64_t now_ms);

/* The next to be sent, or NULL; it stays where it is. Moves what has become
 * due; heads for which somebody waits longer than since_us (real time) are
 * ready like others. */
struct index_item *index_pick(
    struct index *index, int64_t now_ms, int64_t since_us);
/* What a busy destination deferred is due now. */
void index_wake_busy(struct index *index, int64_t now_ms);
/* When the next one becomes due; -1 for none. */
int64_t index_next_due_ms(struct index *index);

#endif
