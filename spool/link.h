/*
 * queue/<dest>/down: there while the link is down. Written by the sender,
 * read by the receiver's children and the operator command.
 */
#ifndef DCMSPOOL_LINK_H
#define DCMSPOOL_LINK_H

#include <stdint.h>

#include "clock.h"
#include "err.h"

#define LINK_MAGIC	 "dcmspool-link 1"
#define LINK_REASON_SIZE 256

struct link_down {
	int64_t since_us;      /* real time, for people */
	int64_t since_mono_ms; /* for waits, where boot_id is that of now */
	char boot_id[CLOCK_BOOT_ID_SIZE];
	char reason[LINK_REASON_SIZE];
	unsigned probes;       /* since it went down */
	int64_t next_probe_us; /* real time, 0 = none */
};

int link_write_down(int root_fd, const char *dest, const struct link_down *down,
    struct err *err);
/* 1 down, 0 not, -1 */
int link_read_down(
    int root_fd, const char *dest, struct link_down *down, struct err *err);
int link_remove_down(int root_fd, const char *dest, struct err *err);

/* The monotonic time at which it went down, from either clock. */
int64_t link_down_since_mono_ms(const struct link_down *down);

#endif
