/*
 * Whether the spool has room for more.
 *
 * Errors: none; where it cannot be told there is none, and that is logged.
 */
#include "space.h"
#include "../spool/fs.h"
#include "../spool/log.h"

bool
space_is_short(const struct child *child)
{
	struct err err = {.class = ERR_NONE};
	int64_t bytes, inodes;

	if (fs_free(child->spool->root_fd, &bytes, &inodes, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "space-unknown",
		    LOG_STR("error", err.text));
		return true;
	}
	return bytes < child->conf->min_free_bytes ||
	       inodes < child->conf->min_free_inodes;
}
