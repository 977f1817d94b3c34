/*
 * What a destination that does not take us means, in plain words: what
 * happened, and what to do about it. Pure: no I/O.
 */
#ifndef DCMSPOOL_ADVICE_H
#define DCMSPOOL_ADVICE_H

#include "../spool/conf.h"
#include "requestor_dcmtk.h"

#define ADVICE_SIZE   1024
#define ADVICE_NOT_SO 1 /* the exit code for: it would not take all of it */

struct advice {
	int exit_code;		 /* of sysexits.h */
	char words[ADVICE_SIZE]; /* "it ..." or "nothing ..." */
	char to_do[ADVICE_SIZE];
};

/* calling and called are the AE titles of the try; detail and err are what
 * became of it, and not REQUESTOR_NO_TROUBLE. */
void advice_give(const struct conf *conf, const struct conf_destination *dest,
    const char *calling, const char *called,
    const struct requestor_detail *detail, const struct err *err,
    struct advice *advice);

/* Why a context was refused, by its result (PS3.8 9.3.3.2). */
const char *advice_context(unsigned result);

#endif
