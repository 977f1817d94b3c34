/*
 * What libconfig does not notice: a look at the text before it is parsed.
 */
#ifndef DCMSPOOL_CONF_SCAN_H
#define DCMSPOOL_CONF_SCAN_H

#include <stddef.h>

#include "err.h"

/*
 * text[size] is a NUL. -1 (ERR_CONFIG) with file and line: a number that
 * libconfig would cut to its low 32 (or 64) bits, an @include, a NUL, a
 * comment or string without end.
 */
int conf_scan(const char *file, const char *text, size_t size, struct err *err);

#endif
