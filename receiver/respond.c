/*
 * Responses to the modality's requests.
 *
 * Errors: as dimse.c.
 */
#include <string.h>

#include "../spool/dimse.h"
#include "respond.h"

#define RESPONSE_BIT 0x8000 /* PS3.7 E.1, Command Field */

int
respond(const struct child *child, uint8_t context_id,
    const struct command *request, const struct answer *answer, struct err *err)
{
	struct command response = {
	    .field = request->field | RESPONSE_BIT,
	    .has_message_id = true,
	    .message_id = request->message_id,
	    .has_data_set_type = true,
	    .data_set_type = COMMAND_NO_DATA_SET,
	    .has_status = true,
	    .status = answer->status,
	    .offending_n = answer->offending_n,
	};

	/* What is no UID is not repeated. */
	if (name_uid_valid(request->sop_class)) {
		response.has_sop_class = true;
		memcpy(response.sop_class, request->sop_class,
		    sizeof(response.sop_class));
	}
	if (name_uid_valid(request->sop_instance)) {
		response.has_sop_instance = true;
		memcpy(response.sop_instance, request->sop_instance,
		    sizeof(response.sop_instance));
	}
	memcpy(response.error_comment, answer->error_comment,
	    sizeof(response.error_comment));
	memcpy(
	    response.offending, answer->offending, sizeof(response.offending));
	return dimse_send_command(child->assoc, context_id, &response,
	    child->conf->receiver.dimse_timeout_s * 1000, err);
}
