/*
 * Certificates in files and of peers, with OpenSSL alone.
 */
#ifndef DCMSPOOL_CERTIFICATE_H
#define DCMSPOOL_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "peer.h"

#define CERTIFICATE_WARN_DAYS 30 /* before the end of our own */

struct x509_st;

/*
 * When the certificates in a PEM file end, the earliest of them: seconds since
 * 1970. -1 and *err (ERR_CONFIG) where the file cannot be read or holds none.
 */
int certificate_file_end(const char *path, int64_t *end_s, struct err *err);

/* The same of one certificate; INT64_MIN where it does not say so. */
int64_t certificate_end(const struct x509_st *x509);

/* What a peer's certificate says who it is. */
void certificate_identify(
    const struct x509_st *x509, struct peer_certificate *peer);

/* After a PEM_read_bio_ has given none: whether there is no more in the file;
 * false where something in it is damaged. Forgets OpenSSL's errors. */
bool certificate_is_last(void);

/* The whole of a file, allocated; what it was is wiped by
 * certificate_free_text. NULL and *err. */
char *certificate_read_text(const char *path, size_t *size, struct err *err);
void certificate_free_text(char *text, size_t size);

/*
 * Logs "certificate-expires" or "certificate-expired" where the end of one of
 * ours is near. whose: the key's place, such as "receiver".
 */
void certificate_warn(const char *whose, const char *path, int64_t end_s);

#endif
