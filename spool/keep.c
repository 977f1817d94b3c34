/*
 * The end of what is kept.
 *
 * Errors: none.
 */
#include "keep.h"

bool
keep_is_over(
    enum queue_state state, int64_t keep_s, int64_t came_s, int64_t now_s)
{
	int64_t age_s = now_s - came_s;

	if (state == QUEUE_FAILED)
		return keep_s > 0 && age_s > keep_s;
	return (age_s < 0 ? -age_s : age_s) > keep_s;
}
