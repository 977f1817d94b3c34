/*
 * Metrics: collected once, as JSON, and written as that or as Prometheus text.
 */
#ifndef DCMSPOOL_CMD_METRICS_H
#define DCMSPOOL_CMD_METRICS_H

#include "cmd.h"

/*
 * One object: the names of the families in the order of the man page, each with
 * Type, Help and Samples, of Name, Labels and Value. The caller's; NULL and
 * *err.
 */
json_t *metrics_collect(const struct cmd *cmd, struct err *err);

#endif
