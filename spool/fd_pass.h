/*
 * Messages over a socket of this machine, each perhaps with a descriptor
 * (unix(7), SCM_RIGHTS).
 */
#ifndef DCMSPOOL_FD_PASS_H
#define DCMSPOOL_FD_PASS_H

#include <stddef.h>
#include <sys/types.h>

/* As send(2), never with SIGPIPE; fd stays the caller's, -1: none. */
ssize_t fd_pass_send(
    int socket_fd, const void *data, size_t size, int fd, int flags);

/* As recv(2), but for EINTR; *fd is the descriptor that came along, O_CLOEXEC,
 * or -1. */
ssize_t fd_pass_receive(
    int socket_fd, void *data, size_t size, int *fd, int flags);

#endif
