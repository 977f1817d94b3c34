/*
 * The bytes of one connection.
 *
 * DCMTK bounds the wait for the first byte of a PDU, in whole seconds, and
 * nothing behind it; its peers, and itself, write a PDU in two parts and so
 * make Nagle's algorithm wait for an acknowledgement that is held back. Here
 * each operation has a deadline, what came is acknowledged before there is a
 * wait for more, and a PDU goes out in one piece.
 *
 * Errors: as read(2) and write(2), with the reason kept in the wire;
 * ETIMEDOUT where a deadline passed.
 */
#include "wire_dcmtk.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

#define ALERT_MS 1000 /* for a peer whose handshake failed to close */

static void ask_for_acks(int fd);

void
Wire::begin_read(int first_ms, int rest)
{
	deadline_ms = first_ms < 0 ? NEVER : clock_mono_ms() + first_ms;
	rest_ms = rest;
	begun = false;
	received = most = 0;
	write_ms = rest > 0 ? rest : first_ms;
}

void
Wire::begin_write(int timeout_ms)
{
	write_ms = timeout_ms;
}

bool
Wire::shake_hands()
{
	if (session == nullptr || session->handshake())
		return true;
	/* The alert is not to be lost with a reset. */
	if (end == WIRE_TLS)
		drain(ALERT_MS);
	return false;
}

bool
Wire::arrived(int64_t until_ms)
{
	if (in_end > in_at)
		return true;
	if (session != nullptr)
		return session->arrived(until_ms);
	return wait(POLLIN, until_ms == OPERATION ? deadline_ms : until_ms);
}

bool
Wire::pending() const
{
	return in_end > in_at || (session != nullptr && session->pending());
}

int
Wire::peek(uint8_t *byte)
{
	ssize_t got;

	if (in_end > in_at) {
		*byte = in[in_at];
		return 1;
	}
	if (session != nullptr)
		return session->peek(byte);
	got = recv(fd, byte, 1, MSG_DONTWAIT | MSG_PEEK);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return got == 1 ? 1 : -1;
}

bool
Wire::wait(short events, int64_t until_ms) const
{
	struct pollfd poller = {fd, events, 0};
	int64_t left_ms;
	int rc;

	do {
		left_ms = until_ms == NEVER ? -1 : until_ms - clock_mono_ms();
		if (until_ms != NEVER && left_ms < 0)
			left_ms = 0;
		if (left_ms > INT_MAX)
			left_ms = INT_MAX;
		rc = poll(&poller, 1, static_cast<int>(left_ms));
	} while (rc == -1 && errno == EINTR);
	return rc > 0;
}

bool
Wire::wait_useful(int64_t until_ms)
{
	int64_t soon_ms = clock_mono_ms() + USEFUL_MS;

	if (useful > 1 && !in_pieces && session == nullptr &&
	    soon_ms < until_ms) {
		set_low(useful);
		if (wait(POLLIN, soon_ms))
			return true;
		look_for_pieces();
	}
	set_low(1);
	return wait(POLLIN, until_ms);
}

void
Wire::look_for_pieces()
{
	set_low(1);
	if (session == nullptr && wait(POLLIN, 0))
		in_pieces = true;
}

void
Wire::set_low(int bytes)
{
	if (in_pieces)
		bytes = 1;
	if (low == bytes || fd == -1)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)) == 0)
		low = bytes;
}

ssize_t
Wire::read(void *data, size_t size)
{
	ssize_t got;

	if (hung_up)
		return 0;
	if (examine != nullptr && !std::exchange(examine, nullptr)(*this))
		end = WIRE_REFUSED;
	if (end == WIRE_REFUSED) {
		errno = EBADMSG;
		return -1;
	}
	if (most > 0 && received + size > most) {
		end = WIRE_FLOOD;
		errno = EMSGSIZE;
		return -1;
	}
	if (in_end > in_at) {
		if (size > in_end - in_at)
			size = in_end - in_at;
		memcpy(data, in.data() + in_at, size);
		in_at += size;
		got = static_cast<ssize_t>(size);
	} else {
		got = take(data, size);
	}
	if (got > 0) {
		if (most > 0 && received < START)
			memcpy(start + received, data,
			    std::min(
				static_cast<size_t>(got), START - received));
		received += static_cast<size_t>(got);
	}
	if (got == sizeof(tail))
		memcpy(tail, data, sizeof(tail));
	return got;
}

bool
Wire::gather(size_t size)
{
	size_t room;
	ssize_t got;

	if (in_end - in_at >= size)
		return true;
	if (in.empty() || in.size() < size)
		in.resize(size < IN_SIZE ? IN_SIZE : size);
	/* Most often nothing is left, or the head of a PDU. */
	memmove(in.data(), in.data() + in_at, in_end - in_at);
	in_end -= in_at;
	in_at = 0;
	while (in_end < size) {
		room = std::min(size + AHEAD, in.size());
		useful = size - in_end < MOST_USEFUL
			     ? static_cast<int>(size - in_end)
			     : MOST_USEFUL;
		if (in_end == 0 && useful < BEYOND_HEADS)
			useful = BEYOND_HEADS;
		got = take(in.data() + in_end, room - in_end);
		useful = 1;
		if (got <= 0) {
			if (end == WIRE_STALLED && !begun && in_end == 0)
				end = WIRE_OPEN;
			return false;
		}
		in_end += static_cast<size_t>(got);
	}
	return true;
}

ssize_t
Wire::take(void *data, size_t size)
{
	return session == nullptr ? receive(data, size, true)
				  : session->read(data, size);
}

ssize_t
Wire::receive(void *data, size_t size, bool waits)
{
	ssize_t got;

	for (;;) {
		got = recv(fd, data, size, MSG_DONTWAIT);
		if (got >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
		if (errno == EINTR)
			continue;
		/* All that came was read, and more is wanted, for which the
		 * peer may be waiting for an acknowledgement. One-shot: the
		 * kernel turns it off again as it sees fit (tcp(7)). */
		ask_for_acks(fd);
		if (!waits)
			return -1;
		if (!wait_useful(deadline_ms)) {
			end = WIRE_STALLED;
			errno = ETIMEDOUT;
			return -1;
		}
	}
	if (got > 0) {
		if (!begun && rest_ms > 0)
			deadline_ms = clock_mono_ms() + rest_ms;
		begun = true;
	} else if (got == 0) {
		end = WIRE_FIN;
	} else if (got == -1) {
		end = WIRE_LOST;
		error = errno;
	}
	return got;
}

bool
Wire::write(const void *data, size_t size)
{
	const struct iovec body = {const_cast<void *>(data), size};
	const struct iovec none = {held, 0};

	return write(&none, &body);
}

bool
Wire::write(const struct iovec *head, const struct iovec *body)
{
	struct iovec part[3] = {{held, held_size}, *head, *body};
	bool keeps =
	    more && held_size + head->iov_len + body->iov_len <= sizeof(held);

	more = false;
	if (!keeps) {
		held_size = 0;
		return send(part, 3);
	}
	memcpy(held + held_size, head->iov_base, head->iov_len);
	held_size += head->iov_len;
	memcpy(held + held_size, body->iov_base, body->iov_len);
	held_size += body->iov_len;
	return true;
}

bool
Wire::write_abort(uint8_t source, uint8_t reason)
{
	const uint8_t pdu[] = {7, 0, 0, 0, 0, 4, 0, 0, source, reason};

	return write(pdu, sizeof(pdu));
}

bool
Wire::send(struct iovec *part, size_t parts)
{
	if (session == nullptr ? send_all(part, parts, false) == 0
			       : session->write(part, parts))
		return true;
	torn = true;
	return false;
}

int
Wire::send_all(struct iovec *part, size_t parts, bool more_follows)
{
	struct msghdr message = {};
	ssize_t sent;
	size_t used;

	for (; parts > 0; part++, parts--)
		while (part->iov_len > 0) {
			message.msg_iov = part;
			message.msg_iovlen = parts;
			sent = sendmsg(fd, &message,
			    MSG_DONTWAIT | MSG_NOSIGNAL |
				(more_follows ? MSG_MORE : 0));
			if (sent == -1 && errno == EINTR)
				continue;
			if (sent == -1 && errno == EAGAIN) {
				if (wait(POLLOUT, clock_mono_ms() + write_ms))
					continue;
				end = WIRE_STALLED;
				errno = ETIMEDOUT;
				return -1;
			}
			if (sent == -1) {
				end = WIRE_LOST;
				error = errno;
				return -1;
			}
			for (used = static_cast<size_t>(sent);
			     used > part->iov_len && parts > 1;
			     used -= part->iov_len, part++, parts--)
				continue;
			part->iov_base =
			    static_cast<uint8_t *>(part->iov_base) + used;
			part->iov_len -= used;
		}
	return 0;
}

void
Wire::drain(int timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms;
	uint8_t waste[4096];
	ssize_t got;

	if (fd == -1)
		return;
	if (session != nullptr && end == WIRE_OPEN && !torn)
		session->say_end();
	if (shutdown(fd, SHUT_WR) == -1)
		return;
	while (clock_mono_ms() < until_ms && wait(POLLIN, until_ms)) {
		got = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);
		if (got == 0 ||
		    (got == -1 && errno != EAGAIN && errno != EINTR))
			break;
	}
}

const char *
Wire::reason() const
{
	switch (end) {
	case WIRE_OPEN:
		break;
	case WIRE_FIN:
		return "the peer closed the connection";
	case WIRE_LOST:
		return strerror(error);
	case WIRE_STALLED:
		return "no progress in time";
	case WIRE_TLS:
		return session->reason();
	case WIRE_FLOOD:
		return "more came than may";
	case WIRE_REFUSED:
		return refusal;
	}
	return "the connection is open";
}

static void
ask_for_acks(int fd)
{
	const int on = 1;

	/* Whatever is wrong with the socket, the next call on it says. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}
