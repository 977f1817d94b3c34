/*
 * Connections for lanes, which may make none themselves: a lane asks its
 * parent, and that forks a process which resolves the name, connects, and
 * passes the socket to the lane.
 */
#ifndef DCMSPOOL_CONNECTOR_H
#define DCMSPOOL_CONNECTOR_H

#include <stdint.h>

#include "../spool/conf.h"
#include "../spool/err.h"

/* Lane to parent. Its size tells it from a report. */
struct connector_request {
	uint32_t id;
};

/* To the lane, with a descriptor where err.class is ERR_NONE. */
struct connector_reply {
	uint32_t id;
	struct err err;
};

/* The lane's side: the connected socket, -1 and *err. */
int connector_ask(int lane_fd, int timeout_ms, struct err *err);

/* The parent's: connects to the destination and answers by lane_fd, the
 * parent's end. */
void connector_serve(const struct conf_destination *conf,
    const struct connector_request *request, int lane_fd);
/* That nobody can. */
void connector_refuse(const struct connector_request *request,
    const struct err *err, int lane_fd);

#endif
