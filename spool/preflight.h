/*
 * -n of the daemons: what would hinder a start, or keep it from its work, in
 * plain words and with what to do about it. All of it at once, not only what a
 * start would stumble over first.
 */
#ifndef DCMSPOOL_PREFLIGHT_H
#define DCMSPOOL_PREFLIGHT_H

#include "conf.h"
#include "spool.h"

struct preflight {
	const char *program;
	const struct conf *conf;
	int exit_code; /* of the first problem; 0 = there is none */
	bool runs;     /* this side runs already; set by preflight_spool */
};

/* One line on standard error. *err gives the exit code and begins the line;
 * the format says what to do. */
void preflight_problem(struct preflight *preflight, const struct err *err,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One line on standard output: it works, but perhaps not as it was meant. */
void preflight_note(const struct preflight *preflight, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * User and StorageLocation: are they there, is it a spool, may that user write
 * to it. Root becomes that user for it, for good, so this comes last. Makes and
 * changes nothing.
 */
void preflight_spool(struct preflight *preflight, enum spool_side side);

/* A group tls that can be used: its certificate ends at end_s. place:
 * "receiver.tls". */
void preflight_tls(struct preflight *preflight, const char *place,
    const struct conf_tls *conf, int64_t end_s);

/* preflight_routes.c: AE titles, routes and destinations that do not meet. */
void preflight_routes(const struct preflight *preflight);

#endif
