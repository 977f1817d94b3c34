/*
 * The only module that reads a clock, and the two ways in which times are
 * written. Waits are measured on the monotonic clock, never on the other.
 */
#ifndef DCMSPOOL_CLOCK_H
#define DCMSPOOL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_STAMP_SIZE   24 /* "20261123T225001.123456Z" */
#define CLOCK_ISO_SIZE	   28 /* "2026-11-23T22:50:01.123456Z" */
#define CLOCK_BOOT_ID_SIZE 37

/* CLOCK_MONOTONIC: the same in all processes of this boot. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* CLOCK_REALTIME, microseconds since 1970 UTC. */
int64_t clock_real_us(void);

/* The kernel's boot id (random(4)), "" where it cannot be read. */
void clock_boot_id(char out[CLOCK_BOOT_ID_SIZE]);

void clock_stamp_format(int64_t real_us, char out[CLOCK_STAMP_SIZE]);

/* Reads exactly 23 characters at s: 1 and *real_us, or 0. */
int clock_stamp_parse(const char *s, int64_t *real_us);

void clock_iso_format(int64_t real_us, char out[CLOCK_ISO_SIZE]);

/* Reads a whole string as clock_iso_format wrote it: 1 and *real_us, or 0. */
int clock_iso_parse(const char *s, int64_t *real_us);

#endif
