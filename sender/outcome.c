/*
 * The outcome table.
 *
 * Errors: none; every status has a class.
 */
#include <stdlib.h>

#include "outcome.h"

#define STATUS_DUPLICATE 0x0111 /* PS3.7 C.5.9 */

static enum outcome_class class_by_standard(unsigned status, bool answer_lost);

enum outcome_class
outcome_of_status(
    const struct conf_destination *conf, unsigned status, bool answer_lost)
{
	const struct conf_status_rule *rule;
	enum outcome_class standard;
	size_t i;

	standard = class_by_standard(status, answer_lost);
	if (standard == OUTCOME_NOT_FINAL)
		return standard;
	for (i = 0; i < conf->status_rules_n; i++) {
		rule = &conf->status_rules[i];
		if (status < rule->first || status > rule->last)
			continue;
		switch (rule->class) {
		case CONF_STATUS_DELIVERED:
			return OUTCOME_DELIVERED;
		case CONF_STATUS_TRANSIENT:
			return OUTCOME_TRANSIENT;
		case CONF_STATUS_PERMANENT:
			return OUTCOME_PERMANENT;
		}
	}
	return standard;
}

int64_t
outcome_backoff_ms(const struct conf_destination *conf, unsigned step)
{
	int64_t min_ms = (int64_t)conf->retry_min_s * 1000;
	int64_t max_ms = (int64_t)conf->retry_max_s * 1000;
	int64_t ms = min_ms;

	while (step-- > 0 && ms < max_ms)
		ms *= 2;
	if (ms > max_ms)
		ms = max_ms;
	ms -= random() % (ms / 4 + 1);
	return ms < min_ms ? min_ms : ms;
}

static enum outcome_class
class_by_standard(unsigned status, bool answer_lost)
{
	if (status == STATUS_DUPLICATE)
		return answer_lost ? OUTCOME_DELIVERED : OUTCOME_PERMANENT;
	switch (status) {
	case 0x0000: /* success */
	case 0x0001: /* warning: requested optional attributes not supported */
	case 0x0107: /* warning: attribute list error */
	case 0x0116: /* warning: attribute value out of range */
		return OUTCOME_DELIVERED;
	case 0x0110: /* processing failure */
	case 0x0210: /* duplicate invocation */
	case 0x0213: /* resource limitation */
		return OUTCOME_TRANSIENT;
	case 0xFE00: /* cancel */
	case 0xFF00: /* pending */
	case 0xFF01:
		return OUTCOME_NOT_FINAL;
	default:
		break;
	}
	switch (status & 0xFF00) {
	case 0xA700: /* out of resources */
		return OUTCOME_TRANSIENT;
	default:
		break;
	}
	/* Warnings of the storage service: 0xBxxx. */
	if ((status & 0xF000) == 0xB000)
		return OUTCOME_DELIVERED;
	return OUTCOME_PERMANENT;
}
