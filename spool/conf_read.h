/*
 * The settings that libconfig found, into the configuration.
 */
#ifndef DCMSPOOL_CONF_READ_H
#define DCMSPOOL_CONF_READ_H

#include <libconfig.h>

#include "conf.h"
#include "err.h"

/* *conf is zeroed but for path. After -1 conf_free is still due. */
int conf_read(config_setting_t *root, struct conf *conf, struct err *err);

#endif
