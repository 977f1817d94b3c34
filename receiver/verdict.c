/*
 * From results to an answer.
 *
 * Errors: none. What a marker should not say (a failure with the status of a
 * success, a delivery without a status) never becomes a success.
 */
#include <stdio.h>

#include "verdict.h"

static const char *const class_names[] = {
    [VERDICT_SUCCESS] = "success",
    [VERDICT_WARNING] = "warning",
    [VERDICT_TIMEOUT] = "timeout",
    [VERDICT_TRANSIENT] = "transient",
    [VERDICT_PERMANENT] = "permanent",
};

static void set(struct verdict *verdict, enum verdict_class class,
    uint16_t status, const char *comment);
static void set_passed_on(struct verdict *verdict, enum verdict_class class,
    const struct result *result);

void
verdict_set_answer(struct answer *answer, uint16_t status, const char *comment)
{
	*answer = (struct answer){.status = status};
	(void)snprintf(answer->error_comment, sizeof(answer->error_comment),
	    "%s", comment == NULL ? "" : comment);
}

void
verdict_of_result(const struct result *result, struct verdict *verdict)
{
	bool failure = result->status != RESULT_NO_STATUS &&
		       result->status != STATUS_SUCCESS;

	switch (result->state) {
	case RESULT_DELIVERED:
		if (result->status == RESULT_NO_STATUS)
			set(verdict, VERDICT_TRANSIENT, STATUS_OUT_OF_RESOURCES,
			    "the destination's status is not known");
		else
			set_passed_on(verdict,
			    failure ? VERDICT_WARNING : VERDICT_SUCCESS,
			    result);
		return;
	case RESULT_DEFERRED:
		if (failure)
			set_passed_on(verdict, VERDICT_TRANSIENT, result);
		else
			set(verdict, VERDICT_TRANSIENT, STATUS_OUT_OF_RESOURCES,
			    "queued, not yet delivered");
		return;
	case RESULT_FAILED:
		if (failure)
			set_passed_on(verdict, VERDICT_PERMANENT, result);
		else
			set(verdict, VERDICT_PERMANENT,
			    STATUS_CANNOT_UNDERSTAND,
			    "set aside, not delivered");
		return;
	case RESULT_REMOVED:
		break;
	}
	set(verdict, VERDICT_PERMANENT, STATUS_OUT_OF_RESOURCES,
	    "removed by the operator");
}

void
verdict_of_timeout(bool queued, struct verdict *verdict)
{
	if (queued)
		set(verdict, VERDICT_TIMEOUT, STATUS_OUT_OF_RESOURCES,
		    "queued, not yet delivered");
	else
		set(verdict, VERDICT_PERMANENT, STATUS_OUT_OF_RESOURCES,
		    "not queued");
}

const struct verdict *
verdict_worse(const struct verdict *a, const struct verdict *b)
{
	return a == NULL || b->class > a->class ? b : a;
}

const char *
verdict_class_name(enum verdict_class which)
{
	return class_names[which];
}

static void
set(struct verdict *verdict, enum verdict_class class, uint16_t status,
    const char *comment)
{
	verdict->class = class;
	verdict_set_answer(&verdict->answer, status, comment);
}

static void
set_passed_on(struct verdict *verdict, enum verdict_class class,
    const struct result *result)
{
	size_t i;

	set(verdict, class, (uint16_t)result->status, result->error_comment);
	verdict->answer.offending_n = result->offending_n;
	for (i = 0; i < result->offending_n; i++)
		verdict->answer.offending[i] = result->offending[i];
}
