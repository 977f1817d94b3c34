/*
 * What DCMTK's upper layer runs on: a transport layer of ours, over a wire.
 * Private to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_TRANSPORT_DCMTK_H
#define DCMSPOOL_TRANSPORT_DCMTK_H

#include <memory>

#include "wire_dcmtk.h"

class DcmTransportLayer;

/*
 * A layer whose connections use the wire; secure ones with tls (which may be
 * NULL). substitute: a connected socket that takes the place of the one that
 * DCMTK comes with, or -1; consumed.
 */
std::unique_ptr<DcmTransportLayer> transport_layer(
    Wire &wire, struct tls *tls, int substitute);

#endif
