/*
 * The presentation contexts that a lane proposes: SOP class and transfer
 * syntax in pairs, the most recently used first. Pure: no I/O.
 */
#ifndef DCMSPOOL_CONTEXTS_H
#define DCMSPOOL_CONTEXTS_H

#include <stddef.h>

#include "../spool/name.h"
#include "requestor_dcmtk.h"

/* What verification is proposed in: every peer has to take it, PS3.5 10.1. */
#define CONTEXTS_VERIFICATION_SYNTAX "1.2.840.10008.1.2"

/* One is left for verification. */
#define CONTEXTS_MAX (REQUESTOR_MAX_CONTEXTS - 1)

struct contexts_pair {
	char sop_class[NAME_UID_SIZE];
	char transfer_syntax[NAME_UID_SIZE];
};

struct contexts {
	struct contexts_pair pair[CONTEXTS_MAX];
	size_t n;
};

/* Moves the pair to the front, adds it where it is new; where there is no
 * room the least recently used goes. */
void contexts_use(struct contexts *contexts, const char *sop_class,
    const char *transfer_syntax);

/* Adds it at the end where it is new and there is room. */
void contexts_offer(struct contexts *contexts, const char *sop_class,
    const char *transfer_syntax);

/*
 * What to propose: verification, then the pairs. Returns how many. The
 * strings are those of `contexts`.
 */
size_t contexts_list(const struct contexts *contexts,
    struct requestor_context out[REQUESTOR_MAX_CONTEXTS]);

#endif
