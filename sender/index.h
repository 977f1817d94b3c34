/*
 * What is queued for one destination, in memory: names only. Items of one SOP
 * Instance UID form a chain, oldest first; only its head is ever sent, and
 * nothing of a chain while one of it is in flight. Heads
 * are in one of three orders: those for which somebody waits, the others that
 * are ready, and those that wait for their time; a fourth holds suspects. No
 * step takes longer than the logarithm of what is queued. Pure: no I/O, no
 * clock.
 */
#ifndef DCMSPOOL_INDEX_H
#define DCMSPOOL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../spool/name.h"
#include "../spool/path.h"
#include "index_heap.h"
#include "index_pool.h"
#include "index_table.h"

enum index_order {
	INDEX_NOWHERE, /* behind its head, active, or failed */
	INDEX_WAITED,  /* ready, somebody waits: by stamp */
	INDEX_READY,   /* ready: by stamp */
	INDEX_TIMER,   /* by due_ms */
	INDEX_SUSPECT, /* see `suspect` */
	INDEX_UNSURE,  /* see `unsure_until`: by stamp */
	INDEX_ORDERS
};

/* A million of them is the measure: 72 bytes and the UID. */
struct index_item {
	struct index_item *before, *behind; /* of its UID: index_chain.c */
	int64_t stamp_us;
	int64_t due_ms;	     /* monotonic; 0 = at once */
	int64_t last_ms;     /* monotonic, the end of the last try; 0 = none */
	int64_t first_us;    /* real time of the first try; 0 = none */
	uint32_t heap_at;    /* in its order */
	uint32_t generation; /* of the scan that saw it last */
	uint32_t unsure_until; /* while index.sure is less, an older one of its
				  UID may be unknown */
	uint16_t message_id;
	uint16_t attempts;	/* that counted */
	uint8_t breaks;		/* of the link while it was sent, in a row */
	uint8_t deaths;		/* of lanes */
	uint8_t state;		/* enum queue_state: new, active, deferred,
				   failed */
	uint8_t order;		/* enum index_order */
	uint8_t marks;		/* enum index_mark, of it and those below it */
	bool waited : 1;	/* somebody waits for it */
	bool record_read : 1;	/* what its record says is here */
	bool has_record : 1;	/* there is one */
	bool in_flight : 1;	/* a lane has it, or it is being settled */
	bool record_due : 1;	/* its record must be written before a try */
	bool answer_lost : 1;	/* sent whole once, no answer came */
	bool suspect : 1;	/* the link broke on it: the next probe tells */
	bool busy_deferred : 1; /* by a destination that was busy */
	bool delivered : 1;	/* only its file could not be taken away */
	bool twice : 1;		/* perhaps its name is in another folder, too */
	char uid[];
};

struct index {
	struct index_pool pool;
	struct index_table chains;
	struct index_heap heap[INDEX_ORDERS];
	size_t items_n;
	size_t state_n[QUEUE_STATES];
	bool unordered; /* for want of memory: some are in no order */
	uint32_t sure;	/* how often all names were known for sure */
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
/* The one of this UID that comes behind a name, whatever its state. */
struct index_item *index_after(
    struct index *index, const struct item_name *name);
/* Whether others of its UID are queued behind it. */
bool index_has_follower(struct index *index, const struct index_item *item);
/* Whether an older one of its UID may be unknown. */
bool index_is_unsure(const struct index *index, const struct index_item *item);
/* Until index.sure is raised, or never. */
void index_set_unsure(struct index *index, struct index_item *item,
    bool is_unsure, int64_t now_ms);
/* After that: puts one that is sure now in order. false: there is none. */
bool index_release(struct index *index, int64_t now_ms);
/* The first suspect, or NULL. */
struct index_item *index_suspect(struct index *index);

/*
 * All items, in no useful order: index_walk_begin, then index_walk until it is
 * NULL. Between two calls the index may change, also by the removal of what
 * was returned last; what comes or moves meanwhile may be left out.
 */
struct index_walk {
	size_t at;	       /* of the table */
	struct item_name last; /* of the chain there; uid "" = none */
};
void index_walk_begin(struct index_walk *walk);
struct index_item *index_walk(struct index *index, struct index_walk *walk);

void index_set_state(
    struct index *index, struct index_item *item, enum queue_state state);
/* When it may be tried: monotonic, 0 at once. */
void index_set_due(struct index *index, struct index_item *item, int64_t due_ms,
    int64_t now_ms);
/* After anything of the item has changed that matters to its chain: puts the
 * chain's head, and only that, into the order that is due to it. */
void index_reorder(
    struct index *index, struct index_item *item, int64_t now_ms);

/* The next to be sent, or NULL; it stays where it is. Moves what has become
 * due; heads for which somebody waits longer than since_us (real time) are
 * ready like others. */
struct index_item *index_pick(
    struct index *index, int64_t now_ms, int64_t since_us);
/* What a busy destination deferred is due now. */
void index_wake_busy(struct index *index, int64_t now_ms);
/* When the next one is due: 0 now, -1 for none. */
int64_t index_next_due_ms(const struct index *index);

#endif
