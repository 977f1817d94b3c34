/*
 * What the fuzz targets share: a property that does not hold ends the run, and
 * libFuzzer keeps the input.
 */
#ifndef DCMSPOOL_FUZZ_H
#define DCMSPOOL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "../../spool/conf.h"
#include "../../spool/spool.h"

#define FUZZ_CHECK(holds)                                                      \
	do {                                                                   \
		if (!(holds))                                                  \
			fuzz_broken(__FILE__, __LINE__, #holds);               \
	} while (0)

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional. */
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned seed);

void fuzz_broken(const char *file, int line, const char *what)
    __attribute__((noreturn));

/*
 * To be called where an input got as far as it can get: what is none of these
 * in a whole run, its seeds included, tests nothing, and fails it (run.sh).
 */
void fuzz_reached(void);

/* The input as a string, which is freed by the caller. */
char *fuzz_string(const uint8_t *data, size_t size);

/* A folder of this process, removed at its end. */
const char *fuzz_folder(void);

void fuzz_write(const char *path, const void *data, size_t size);

/* A configuration with one destination, "pacs", at the port, and an empty
 * spool for it. Made once, for the life of the process. */
void fuzz_world(int port, struct conf **conf, struct spool *spool);

/* A listening socket on a free port of the loopback. */
int fuzz_listen(int *port);

/* fuzz_pdus.c: changes one PDU, or what is in it, of those from `from` on. For
 * LLVMFuzzerCustomMutator. */
size_t fuzz_mutate_pdus(
    uint8_t *data, size_t size, size_t max, unsigned seed, size_t from);

/* Closes without TIME_WAIT, of which there would be too many. */
void fuzz_reset(int fd);

#endif
