/*
 * The C headers, as C++ reads them: structs have members that are named
 * `class`, which C++ reserves. Only *_dcmtk.cc include this, before any other
 * header of ours.
 */
#ifndef DCMSPOOL_C_HEADERS_DCMTK_H
#define DCMSPOOL_C_HEADERS_DCMTK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#define class class_of_error
#include "err.h"

#include "conf.h"
#undef class

#include "clock.h"
#include "log.h"
#include "peer.h"
}

#endif
