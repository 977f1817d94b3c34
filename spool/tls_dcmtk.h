/*
 * TLS settings, read and ready for use: made once, in the parent, and used by
 * the processes forked from it. DCMTK's TLS layer gives the profiles of PS3.15.
 */
#ifndef DCMSPOOL_TLS_DCMTK_H
#define DCMSPOOL_TLS_DCMTK_H

#include <stdint.h>

#include "conf.h"
#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tls_role {
	TLS_ACCEPTOR,
	TLS_REQUESTOR
};

struct tls;

/*
 * Reads every file of the group. *tls is NULL where there is no group. place
 * is where it is, such as "receiver.tls": -1 and *err (ERR_CONFIG) name it,
 * the key and the file.
 */
int tls_create(const struct conf_tls *conf, enum tls_role role,
    const char *place, struct tls **tls, struct err *err);
void tls_free(struct tls *tls);

/* When our certificate, or one that goes along with it, ends: seconds since
 * 1970. */
int64_t tls_end(const struct tls *tls);

#ifdef __cplusplus
}
#endif

#endif
