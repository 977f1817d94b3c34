/*
 * Associations, requests and responses of the load generators.
 *
 * Errors: a peer that is gone or talks nonsense is false, 0 or -1.
 */
#include <stdio.h>
#include <string.h>

#include "dicom.h"
#include "pdu.h"

#define ASSOCIATE_FIXED 68 /* before the items, without the head */
#define ASSOCIATE_MOST	4096
#define EXPLICIT_LE	"1.2.840.10008.1.2.1"
#define APPLICATION	"1.2.840.10008.3.1.1.1"
#define IMPLEMENTATION	"2.25.203434190914271424117143286012366312911"

static void put_item(
    struct pdu_out *out, uint8_t type, const void *data, size_t size);
static void put_user_information(struct pdu_out *out, uint32_t max_pdu);
static uint32_t max_pdu_of(const uint8_t *body, size_t size);
static bool unpack_command(
    const uint8_t *data, size_t size, struct dicom_command *command);
static void take_uid(char *uid, const uint8_t *data, size_t size);

uint32_t
dicom_associate(struct wire_in *in, const char *calling, const char *called,
    uint32_t max_pdu)
{
	uint8_t bytes[ASSOCIATE_MOST], context[256];
	struct pdu_out out = {bytes, PDU_HEAD}, inner = {context, 0};
	const uint8_t *head, *body;
	char titles[33];
	uint8_t fixed[4] = {0, 1, 0, 0};
	uint8_t ids[4] = {DICOM_CONTEXT_ID, 0, 0, 0};
	uint32_t size;

	(void)snprintf(titles, sizeof(titles), "%-16s%-16s", called, calling);
	pdu_put(&out, fixed, sizeof(fixed));
	pdu_put(&out, titles, 32);
	(void)memset(bytes + out.used, 0, 32);
	out.used += 32;
	put_item(&out, 0x10, APPLICATION, strlen(APPLICATION));
	pdu_put(&inner, ids, sizeof(ids));
	put_item(&inner, 0x30, DICOM_SECONDARY_CAPTURE,
	    strlen(DICOM_SECONDARY_CAPTURE));
	put_item(&inner, 0x40, EXPLICIT_LE, strlen(EXPLICIT_LE));
	put_item(&out, 0x20, context, inner.used);
	put_user_information(&out, max_pdu);
	size = (uint32_t)(out.used - PDU_HEAD);
	out.used = 0;
	pdu_put_head(&out, PDU_ASSOCIATE_RQ, size);
	if (!wire_write(in->fd, bytes, PDU_HEAD + size))
		return 0;
	head = wire_take(in, PDU_HEAD);
	if (head == NULL || head[0] != PDU_ASSOCIATE_AC)
		return 0;
	size = wire_be32(head + 2);
	body = wire_take(in, size);
	return body == NULL ? 0 : max_pdu_of(body, size);
}

void
dicom_release(struct wire_in *in)
{
	uint8_t bytes[PDU_HEAD + 4] = {0};
	struct pdu_out out = {bytes, 0};

	pdu_put_head(&out, PDU_RELEASE_RQ, 4);
	if (wire_write(in->fd, bytes, sizeof(bytes)))
		(void)wire_take(in, PDU_HEAD + 4);
}

int
dicom_read_response(
    struct wire_in *in, const struct dicom_message *m, uint16_t message_id)
{
	struct dicom_command command;
	uint8_t context_id;
	uint64_t bytes;

	if (dicom_read_request(in, &command, &context_id, &bytes) != 1 ||
	    command.field != (DICOM_C_STORE_RQ | DICOM_RESPONSE) ||
	    command.message_id != message_id || command.has_data_set ||
	    context_id != DICOM_CONTEXT_ID)
		return -1;
	if (command.sop_instance[0] != '\0' &&
	    (strlen(command.sop_instance) != m->uid_length ||
		memcmp(command.sop_instance, m->uid_at, m->uid_length) != 0))
		return -1;
	return command.status;
}

bool
dicom_accept(struct wire_in *in, uint32_t max_pdu)
{
	const uint8_t *head, *body, *at, *end, *sub;
	uint8_t bytes[ASSOCIATE_MOST * 2], context[128];
	struct pdu_out out = {bytes, PDU_HEAD}, inner;
	uint32_t size;

	head = wire_take(in, PDU_HEAD);
	if (head == NULL || head[0] != PDU_ASSOCIATE_RQ)
		return false;
	size = wire_be32(head + 2);
	body = wire_take(in, size);
	if (body == NULL || size < ASSOCIATE_FIXED)
		return false;
	pdu_put(&out, body, ASSOCIATE_FIXED);
	put_item(&out, 0x10, APPLICATION, strlen(APPLICATION));
	end = body + size;
	for (at = body + ASSOCIATE_FIXED; at + 4 < end;
	     at += 4 + wire_be16(at + 2)) {
		if (at[0] != 0x20)
			continue;
		sub = at + 8;		       /* the abstract syntax */
		sub += 4 + wire_be16(sub + 2); /* the first transfer syntax */
		inner = (struct pdu_out){context, 0};
		pdu_put(&inner, (const uint8_t[]){at[4], 0, 0, 0}, 4);
		put_item(&inner, 0x40, sub + 4, wire_be16(sub + 2));
		put_item(&out, 0x21, context, inner.used);
		if (out.used > ASSOCIATE_MOST)
			return false;
	}
	put_user_information(&out, max_pdu);
	size = (uint32_t)(out.used - PDU_HEAD);
	out.used = 0;
	pdu_put_head(&out, PDU_ASSOCIATE_AC, size);
	return wire_write(in->fd, bytes, PDU_HEAD + size);
}

int
dicom_read_request(struct wire_in *in, struct dicom_command *command,
    uint8_t *context_id, uint64_t *bytes)
{
	uint8_t data[COMMAND_MOST], type, flags;
	size_t used = 0;
	uint32_t pdu, pdv;
	const uint8_t *head;
	bool has_command = false;

	*bytes = 0;
	for (;;) {
		head = wire_take(in, PDU_HEAD);
		if (head == NULL)
			return 0;
		type = head[0];
		pdu = wire_be32(head + 2);
		if (type == PDU_RELEASE_RQ) {
			(void)wire_skip(in, pdu);
			(void)wire_write(in->fd,
			    (const uint8_t[]){
				PDU_RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0},
			    10);
			return 0;
		}
		if (type != PDU_DATA)
			return -1;
		while (pdu > 0) {
			head = wire_take(in, PDV_HEAD);
			if (head == NULL)
				return 0;
			pdv = wire_be32(head) - 2;
			*context_id = head[4];
			flags = head[5];
			if (pdv + PDV_HEAD > pdu)
				return -1;
			pdu -= pdv + PDV_HEAD;
			if ((flags & FLAG_COMMAND) == 0) {
				*bytes += pdv;
				if (!has_command || !wire_skip(in, pdv))
					return -1;
				if ((flags & FLAG_LAST) != 0)
					return 1;
				continue;
			}
			head = wire_take(in, pdv);
			if (head == NULL || used + pdv > sizeof(data))
				return -1;
			(void)memcpy(data + used, head, pdv);
			used += pdv;
			if ((flags & FLAG_LAST) == 0)
				continue;
			if (!unpack_command(data, used, command))
				return -1;
			has_command = true;
			if (!command->has_data_set)
				return 1;
		}
	}
}

bool
dicom_respond(int fd, uint8_t context_id, const struct dicom_command *request,
    uint16_t status)
{
	uint8_t bytes[COMMAND_MOST];
	struct pdu_out out = {bytes, PDU_HEAD + PDV_HEAD};
	uint8_t group_length[4] = {0};
	size_t begin;

	pdu_put_element(&out, 0x0000, group_length, 4);
	begin = out.used;
	pdu_put_element(
	    &out, 0x0002, request->sop_class, strlen(request->sop_class));
	pdu_put_short(
	    &out, 0x0100, (uint16_t)(request->field | DICOM_RESPONSE));
	pdu_put_short(&out, 0x0120, request->message_id);
	pdu_put_short(&out, 0x0800, NO_DATA_SET);
	pdu_put_short(&out, 0x0900, status);
	if (request->sop_instance[0] != '\0')
		pdu_put_element(&out, 0x1000, request->sop_instance,
		    strlen(request->sop_instance));
	wire_put_le32(bytes + begin - 4, (uint32_t)(out.used - begin));
	begin = out.used;
	out.used = 0;
	pdu_put_head(&out, PDU_DATA, (uint32_t)begin - PDU_HEAD);
	pdu_put_pdv_head(&out, (uint32_t)begin - PDU_HEAD - PDV_HEAD,
	    context_id, FLAG_COMMAND | FLAG_LAST);
	return wire_write(fd, bytes, begin);
}

static void
put_item(struct pdu_out *out, uint8_t type, const void *data, size_t size)
{
	uint8_t head[4] = {type};

	wire_put_be16(head + 2, (uint16_t)size);
	pdu_put(out, head, sizeof(head));
	pdu_put(out, data, size);
}

static void
put_user_information(struct pdu_out *out, uint32_t max_pdu)
{
	uint8_t inner_bytes[128], most[4];
	struct pdu_out inner = {inner_bytes, 0};

	wire_put_be32(most, max_pdu);
	put_item(&inner, 0x51, most, sizeof(most));
	put_item(&inner, 0x52, IMPLEMENTATION, strlen(IMPLEMENTATION));
	put_item(out, 0x50, inner_bytes, inner.used);
}

/* 0 where the context was refused. */
static uint32_t
max_pdu_of(const uint8_t *body, size_t size)
{
	const uint8_t *at, *end = body + size;
	uint32_t most = 0;
	bool accepted = false;

	for (at = body + ASSOCIATE_FIXED; at + 4 <= end;
	     at += 4 + wire_be16(at + 2)) {
		if (at[0] == 0x21)
			accepted = at[6] == 0;
		if (at[0] == 0x50 && at[4] == 0x51)
			most = wire_be32(at + 8);
	}
	return accepted ? most : 0;
}

static bool
unpack_command(const uint8_t *data, size_t size, struct dicom_command *command)
{
	const uint8_t *at = data, *end = data + size;
	uint32_t length;

	*command = (struct dicom_command){.field = 0};
	while (at + 8 <= end) {
		length = wire_le32(at + 4);
		if (length > (size_t)(end - at) - 8)
			return false;
		switch (wire_le16(at + 2)) {
		case 0x0002:
			take_uid(command->sop_class, at + 8, length);
			break;
		case 0x0100:
			command->field = wire_le16(at + 8);
			break;
		case 0x0110: /* of a request */
		case 0x0120: /* of the request that is answered */
			command->message_id = wire_le16(at + 8);
			break;
		case 0x0800:
			command->has_data_set =
			    wire_le16(at + 8) != NO_DATA_SET;
			break;
		case 0x0900:
			command->status = wire_le16(at + 8);
			break;
		case 0x1000:
			take_uid(command->sop_instance, at + 8, length);
			break;
		default:
			break;
		}
		at += 8 + length;
	}
	return at == end;
}

static void
take_uid(char *uid, const uint8_t *data, size_t size)
{
	if (size >= DICOM_UID_SIZE)
		size = DICOM_UID_SIZE - 1;
	(void)memcpy(uid, data, size);
	uid[size] = '\0';
}
