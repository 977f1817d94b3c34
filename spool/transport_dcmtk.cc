/*
 * DCMTK's transport layer and connection, on a wire.
 *
 * Errors: as DCMTK has them, with the reason kept in the wire.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/cond.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport_dcmtk.h"

namespace
{

void set_option(int fd, int level, int option);

/* DCMTK's handle on a wire. */
class WireConnection : public DcmTCPConnection
{
      public:
	WireConnection(int fd, Wire &wire_) : DcmTCPConnection(fd), wire(wire_)
	{
		wire.fd = fd;
		wire.attached = true;
	}

	/* The base class closes the socket. */
	~WireConnection() override
	{
		say_end();
		wire.fd = -1;
	}

	OFCondition
	serverSideHandshake() override
	{
		return shake_hands();
	}

	OFCondition
	clientSideHandshake() override
	{
		return shake_hands();
	}

	void
	close() override
	{
		say_end();
		DcmTCPConnection::close();
	}

	OFBool
	isTransparentConnection() override
	{
		return OFFalse; /* the wire reads ahead */
	}

	ssize_t
	read(void *data, size_t size) override
	{
		return wire.read(data, size);
	}

	ssize_t
	write(void *data, size_t size) override
	{
		return wire.write(data, size) ? static_cast<ssize_t>(size) : -1;
	}

	/* The deadline of the operation holds, whatever DCMTK asks for. */
	OFBool
	networkDataAvailable(int) override
	{
		if (wire.hung_up || wire.arrived(Wire::OPERATION))
			return OFTrue;
		if (wire.received > 0 || wire.pending())
			wire.end = WIRE_STALLED;
		return OFFalse;
	}

      private:
	OFCondition
	shake_hands()
	{
		if (wire.shake_hands())
			return EC_Normal;
		/* The wire knows better. */
		return makeOFCondition(
		    OFM_dcmnet, DULC_TLSERROR, OF_error, "TLS failed");
	}

	void
	say_end()
	{
		if (wire.fd != -1 && wire.session != nullptr &&
		    wire.end == WIRE_OPEN && !wire.torn)
			wire.session->say_end();
	}

	Wire &wire;
};

/* Its connections use the wire. */
class WireLayer : public DcmTransportLayer
{
      public:
	WireLayer(Wire &wire, struct tls *tls, int substitute);
	~WireLayer() override;

	DcmTransportConnection *createConnection(
	    DcmNativeSocketType fd, OFBool secure) override;

      private:
	Wire &wire;
	struct tls *tls;
	int substitute;
};

WireLayer::WireLayer(Wire &wire_, struct tls *tls_, int substitute_)
    : wire(wire_), tls(tls_), substitute(substitute_)
{
}

WireLayer::~WireLayer()
{
	if (substitute != -1)
		(void)close(substitute);
}

DcmTransportConnection *
WireLayer::createConnection(DcmNativeSocketType fd, OFBool secure)
{
	if (secure != (tls != nullptr))
		return nullptr;
	if (substitute != -1) {
		if (dup3(substitute, fd, O_CLOEXEC) == -1)
			return nullptr;
		(void)close(substitute);
		substitute = -1;
	} else if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
		return nullptr;
	}
	set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
	if (tls != nullptr)
		wire.session = std::make_unique<TlsSession>(*tls, wire);
	return new WireConnection(fd, wire);
}

void
set_option(int fd, int level, int option)
{
	const int on = 1;

	/* Whatever is wrong with the socket, the next call on it says. */
	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

} // namespace

std::unique_ptr<DcmTransportLayer>
transport_layer(Wire &wire, struct tls *tls, int substitute)
{
	return std::make_unique<WireLayer>(wire, tls, substitute);
}
