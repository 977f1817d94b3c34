/*
 * PDUs and command sets of the load generators. A request is built once; for
 * each instance the message ID and the SOP Instance UID are changed in place.
 *
 * Errors: a peer that is gone or talks nonsense is false, 0 or -1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom.h"

#define PDU_ASSOCIATE_RQ 1
#define PDU_ASSOCIATE_AC 2
#define PDU_DATA	 4
#define PDU_RELEASE_RQ	 5
#define PDU_RELEASE_RP	 6
#define PDU_HEAD	 6
#define PDV_HEAD	 6
#define FLAG_COMMAND	 1
#define FLAG_LAST	 2
#define ASSOCIATE_FIXED	 68 /* before the items, without the head */
#define ASSOCIATE_MOST	 4096
#define COMMAND_MOST	 1024
#define NO_DATA_SET	 0x0101
#define STREAMED	 (16u << 20) /* larger ones are not held in memory */
#define FILLER_PDUS	 8

#define SECONDARY_CAPTURE "1.2.840.10008.5.1.4.1.1.7"
#define EXPLICIT_LE	  "1.2.840.10008.1.2.1"
#define IMPLICIT_LE	  "1.2.840.10008.1.2"
#define APPLICATION	  "1.2.840.10008.3.1.1.1"
#define IMPLEMENTATION	  "2.25.203434190914271424117143286012366312911"
#define STUDY		  "2.25.340282366920938463463374607431768211455"
#define UID_FORMAT	  "2.25.1%09u1%09u"

struct out {
	uint8_t *bytes;
	size_t used;
};

static void put(struct out *out, const void *data, size_t size);
static void put_pdu_head(struct out *out, uint8_t type, uint32_t size);
static void put_pdv_head(
    struct out *out, uint32_t size, uint8_t context_id, uint8_t flags);
static void put_item(
    struct out *out, uint8_t type, const void *data, size_t size);
static void put_user_information(struct out *out, uint32_t max_pdu);
static void put_command_element(
    struct out *out, uint16_t element, const void *data, size_t size);
static void put_command_short(
    struct out *out, uint16_t element, uint16_t value);
static void put_explicit(struct out *out, uint16_t group, uint16_t element,
    const char *vr, const void *data, size_t size);
static size_t make_command(struct dicom_message *m, uint8_t *bytes);
static size_t make_data_head(
    struct dicom_message *m, uint8_t *bytes, uint64_t size);
static void split(
    struct dicom_message *m, const uint8_t *data, uint64_t size, size_t step);
static void stream(struct dicom_message *m, const uint8_t *data,
    size_t head_size, uint64_t size, size_t step);
static void put_pdv(
    struct out *out, const uint8_t *data, size_t size, uint8_t flags);
static uint32_t max_pdu_of(const uint8_t *body, size_t size);
static bool unpack_command(
    const uint8_t *data, size_t size, struct dicom_command *command);
static void take_uid(char *uid, const uint8_t *data, size_t size);

uint32_t
dicom_associate(struct wire_in *in, const char *calling, const char *called,
    uint32_t max_pdu)
{
	uint8_t bytes[ASSOCIATE_MOST], context[256];
	struct out out = {bytes, PDU_HEAD}, inner = {context, 0};
	const uint8_t *head, *body;
	char titles[33];
	uint8_t fixed[4] = {0, 1, 0, 0};
	uint8_t ids[4] = {DICOM_CONTEXT_ID, 0, 0, 0};
	uint32_t size;

	(void)snprintf(titles, sizeof(titles), "%-16s%-16s", called, calling);
	put(&out, fixed, sizeof(fixed));
	put(&out, titles, 32);
	(void)memset(bytes + out.used, 0, 32);
	out.used += 32;
	put_item(&out, 0x10, APPLICATION, strlen(APPLICATION));
	put(&inner, ids, sizeof(ids));
	put_item(&inner, 0x30, SECONDARY_CAPTURE, strlen(SECONDARY_CAPTURE));
	put_item(&inner, 0x40, EXPLICIT_LE, strlen(EXPLICIT_LE));
	put_item(&out, 0x20, context, inner.used);
	put_user_information(&out, max_pdu);
	size = (uint32_t)(out.used - PDU_HEAD);
	out.used = 0;
	put_pdu_head(&out, PDU_ASSOCIATE_RQ, size);
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
	struct out out = {bytes, 0};

	put_pdu_head(&out, PDU_RELEASE_RQ, 4);
	if (wire_write(in->fd, bytes, sizeof(bytes)))
		(void)wire_take(in, PDU_HEAD + 4);
}

void
dicom_message_make(struct dicom_message *m, uint64_t size, uint32_t max_pdu)
{
	uint8_t head[2048], command[COMMAND_MOST];
	size_t step = max_pdu - PDV_HEAD, head_size, command_size, most;
	struct out out;
	uint8_t *data;

	*m = (struct dicom_message){.bytes = NULL};
	head_size = make_data_head(m, head, size);
	size = head_size + wire_le32(head + head_size - 4);
	command_size = make_command(m, command);
	most = size > STREAMED ? STREAMED : (size_t)size;
	most += (most / step + 4) * (PDU_HEAD + PDV_HEAD) + command_size;
	out = (struct out){m->bytes = wire_alloc(most + step), 0};
	put_pdv(&out, command, command_size, FLAG_COMMAND | FLAG_LAST);
	m->size = out.used;
	m->message_id_at =
	    m->bytes + PDU_HEAD + PDV_HEAD + (m->message_id_at - command);
	m->uid_at = m->bytes + PDU_HEAD + PDV_HEAD + (m->uid_at - command);
	m->data_uid_at =
	    m->bytes + m->size + PDU_HEAD + PDV_HEAD + (m->data_uid_at - head);
	if (size > STREAMED) {
		stream(m, head, head_size, size, step);
		return;
	}
	data = wire_alloc((size_t)size);
	(void)memcpy(data, head, head_size);
	split(m, data, size, step);
	free(data);
}

void
dicom_message_free(struct dicom_message *m)
{
	free(m->bytes);
	free(m->filler);
	free(m->tail);
}

void
dicom_message_set(struct dicom_message *m, uint16_t message_id, unsigned source,
    unsigned serial)
{
	char uid[DICOM_UID_SIZE];

	(void)snprintf(uid, sizeof(uid), UID_FORMAT, source % 1000000000,
	    serial % 1000000000);
	wire_put_le16(m->message_id_at, message_id);
	(void)memcpy(m->uid_at, uid, m->uid_length);
	(void)memcpy(m->data_uid_at, uid, m->uid_length);
}

bool
dicom_message_send(const struct dicom_message *m, int fd)
{
	uint64_t i;

	if (!wire_write(fd, m->bytes, m->size))
		return false;
	for (i = 0; i < m->filler_times; i++)
		if (!wire_write(fd, m->filler, m->filler_size))
			return false;
	return wire_write(fd, m->tail, m->tail_size);
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
	struct out out = {bytes, PDU_HEAD}, inner;
	uint32_t size;

	head = wire_take(in, PDU_HEAD);
	if (head == NULL || head[0] != PDU_ASSOCIATE_RQ)
		return false;
	size = wire_be32(head + 2);
	body = wire_take(in, size);
	if (body == NULL || size < ASSOCIATE_FIXED)
		return false;
	put(&out, body, ASSOCIATE_FIXED);
	put_item(&out, 0x10, APPLICATION, strlen(APPLICATION));
	end = body + size;
	for (at = body + ASSOCIATE_FIXED; at + 4 < end;
	     at += 4 + wire_be16(at + 2)) {
		if (at[0] != 0x20)
			continue;
		sub = at + 8;		       /* the abstract syntax */
		sub += 4 + wire_be16(sub + 2); /* the first transfer syntax */
		inner = (struct out){context, 0};
		put(&inner, (const uint8_t[]){at[4], 0, 0, 0}, 4);
		put_item(&inner, 0x40, sub + 4, wire_be16(sub + 2));
		put_item(&out, 0x21, context, inner.used);
		if (out.used > ASSOCIATE_MOST)
			return false;
	}
	put_user_information(&out, max_pdu);
	size = (uint32_t)(out.used - PDU_HEAD);
	out.used = 0;
	put_pdu_head(&out, PDU_ASSOCIATE_AC, size);
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
	struct out out = {bytes, PDU_HEAD + PDV_HEAD};
	uint8_t group_length[4] = {0};
	size_t begin;

	put_command_element(&out, 0x0000, group_length, 4);
	begin = out.used;
	put_command_element(
	    &out, 0x0002, request->sop_class, strlen(request->sop_class));
	put_command_short(
	    &out, 0x0100, (uint16_t)(request->field | DICOM_RESPONSE));
	put_command_short(&out, 0x0120, request->message_id);
	put_command_short(&out, 0x0800, NO_DATA_SET);
	put_command_short(&out, 0x0900, status);
	if (request->sop_instance[0] != '\0')
		put_command_element(&out, 0x1000, request->sop_instance,
		    strlen(request->sop_instance));
	wire_put_le32(bytes + begin - 4, (uint32_t)(out.used - begin));
	begin = out.used;
	out.used = 0;
	put_pdu_head(&out, PDU_DATA, (uint32_t)begin - PDU_HEAD);
	put_pdv_head(&out, (uint32_t)begin - PDU_HEAD - PDV_HEAD, context_id,
	    FLAG_COMMAND | FLAG_LAST);
	return wire_write(fd, bytes, begin);
}

static void
put(struct out *out, const void *data, size_t size)
{
	(void)memcpy(out->bytes + out->used, data, size);
	out->used += size;
}

static void
put_pdu_head(struct out *out, uint8_t type, uint32_t size)
{
	uint8_t head[PDU_HEAD] = {type};

	wire_put_be32(head + 2, size);
	put(out, head, sizeof(head));
}

static void
put_pdv_head(struct out *out, uint32_t size, uint8_t context_id, uint8_t flags)
{
	uint8_t head[PDV_HEAD] = {0, 0, 0, 0, context_id, flags};

	wire_put_be32(head, size + 2);
	put(out, head, sizeof(head));
}

static void
put_item(struct out *out, uint8_t type, const void *data, size_t size)
{
	uint8_t head[4] = {type};

	wire_put_be16(head + 2, (uint16_t)size);
	put(out, head, sizeof(head));
	put(out, data, size);
}

static void
put_user_information(struct out *out, uint32_t max_pdu)
{
	uint8_t inner_bytes[128], most[4];
	struct out inner = {inner_bytes, 0};

	wire_put_be32(most, max_pdu);
	put_item(&inner, 0x51, most, sizeof(most));
	put_item(&inner, 0x52, IMPLEMENTATION, strlen(IMPLEMENTATION));
	put_item(out, 0x50, inner_bytes, inner.used);
}

/* Implicit little endian, group 0000; UIDs are padded with NUL. */
static void
put_command_element(
    struct out *out, uint16_t element, const void *data, size_t size)
{
	uint8_t head[8] = {0};

	wire_put_le16(head + 2, element);
	wire_put_le32(head + 4, (uint32_t)(size + size % 2));
	put(out, head, sizeof(head));
	put(out, data, size);
	put(out, "", size % 2);
}

static void
put_command_short(struct out *out, uint16_t element, uint16_t value)
{
	uint8_t bytes[2];

	wire_put_le16(bytes, value);
	put_command_element(out, element, bytes, sizeof(bytes));
}

static void
put_explicit(struct out *out, uint16_t group, uint16_t element, const char *vr,
    const void *data, size_t size)
{
	uint8_t head[8];

	wire_put_le16(head, group);
	wire_put_le16(head + 2, element);
	(void)memcpy(head + 4, vr, 2);
	wire_put_le16(head + 6, (uint16_t)(size + size % 2));
	put(out, head, sizeof(head));
	put(out, data, size);
	put(out, vr[0] == 'U' ? "" : " ", size % 2);
}

static size_t
make_command(struct dicom_message *m, uint8_t *bytes)
{
	struct out out = {bytes, 0};
	char uid[DICOM_UID_SIZE];
	uint8_t group_length[4] = {0};
	size_t begin;

	m->uid_length = (size_t)snprintf(uid, sizeof(uid), UID_FORMAT, 0U, 0U);
	put_command_element(&out, 0x0000, group_length, 4);
	begin = out.used;
	put_command_element(
	    &out, 0x0002, SECONDARY_CAPTURE, strlen(SECONDARY_CAPTURE));
	put_command_short(&out, 0x0100, DICOM_C_STORE_RQ);
	put_command_short(&out, 0x0110, 0);
	m->message_id_at = bytes + out.used - 2;
	put_command_short(&out, 0x0700, 0);
	put_command_short(&out, 0x0800, 0x0001);
	m->uid_at = bytes + out.used + 8;
	put_command_element(&out, 0x1000, uid, m->uid_length);
	wire_put_le32(bytes + begin - 4, (uint32_t)(out.used - begin));
	return out.used;
}

/* All but the value of the pixel data; its length comes last. */
static size_t
make_data_head(struct dicom_message *m, uint8_t *bytes, uint64_t size)
{
	static const uint8_t one[2] = {1, 0}, side[2] = {16, 0},
			     high[2] = {15, 0}, zero[2] = {0, 0};
	uint8_t pixels[12] = {0xE0, 0x7F, 0x10, 0x00, 'O', 'W'};
	struct out out = {bytes, 0};
	char uid[DICOM_UID_SIZE];
	int length = snprintf(uid, sizeof(uid), UID_FORMAT, 0U, 0U);

	put_explicit(&out, 0x0008, 0x0016, "UI", SECONDARY_CAPTURE,
	    strlen(SECONDARY_CAPTURE));
	m->data_uid_at = bytes + out.used + 8;
	put_explicit(&out, 0x0008, 0x0018, "UI", uid, (size_t)length);
	put_explicit(&out, 0x0008, 0x0020, "DA", "20260101", 8);
	put_explicit(&out, 0x0008, 0x0030, "TM", "120000", 6);
	put_explicit(&out, 0x0008, 0x0060, "CS", "OT", 2);
	put_explicit(&out, 0x0010, 0x0010, "PN", "TEST^BENCH", 10);
	put_explicit(&out, 0x0010, 0x0020, "LO", "BENCH-1", 7);
	put_explicit(&out, 0x0020, 0x000D, "UI", STUDY, strlen(STUDY));
	put_explicit(&out, 0x0020, 0x000E, "UI", STUDY, strlen(STUDY) - 1);
	put_explicit(&out, 0x0020, 0x0013, "IS", "1", 1);
	put_explicit(&out, 0x0028, 0x0002, "US", one, 2);
	put_explicit(&out, 0x0028, 0x0004, "CS", "MONOCHROME2", 11);
	put_explicit(&out, 0x0028, 0x0010, "US", side, 2);
	put_explicit(&out, 0x0028, 0x0011, "US", side, 2);
	put_explicit(&out, 0x0028, 0x0100, "US", side, 2);
	put_explicit(&out, 0x0028, 0x0101, "US", side, 2);
	put_explicit(&out, 0x0028, 0x0102, "US", high, 2);
	put_explicit(&out, 0x0028, 0x0103, "US", zero, 2);
	size = size > out.used + 12 + 2 ? size - out.used - 12 : 2;
	wire_put_le32(pixels + 8, (uint32_t)(size & ~(uint64_t)1));
	put(&out, pixels, sizeof(pixels));
	return out.used;
}

static void
split(struct dicom_message *m, const uint8_t *data, uint64_t size, size_t step)
{
	struct out out = {m->bytes, m->size};
	uint64_t at;

	for (at = 0; at < size; at += step) {
		if (size - at <= step)
			put_pdv(
			    &out, data + at, (size_t)(size - at), FLAG_LAST);
		else
			put_pdv(&out, data + at, step, 0);
	}
	m->size = out.used;
}

/* The head in a PDU of its own, the same PDUs of zeros many times, the rest. */
static void
stream(struct dicom_message *m, const uint8_t *data, size_t head_size,
    uint64_t size, size_t step)
{
	uint8_t *zeros = wire_alloc(step);
	struct out out = {m->bytes, m->size};
	uint64_t left = size - head_size;
	int i;

	put_pdv(&out, data, head_size, 0);
	m->size = out.used;
	m->filler_times = (left - 1) / (FILLER_PDUS * step);
	left -= m->filler_times * FILLER_PDUS * step;
	m->filler_size = FILLER_PDUS * (PDU_HEAD + PDV_HEAD + step);
	out = (struct out){m->filler = wire_alloc(m->filler_size), 0};
	for (i = 0; i < FILLER_PDUS; i++)
		put_pdv(&out, zeros, step, 0);
	out = (struct out){m->tail = wire_alloc(m->filler_size), 0};
	for (; left > step; left -= step)
		put_pdv(&out, zeros, step, 0);
	put_pdv(&out, zeros, (size_t)left, FLAG_LAST);
	m->tail_size = out.used;
	free(zeros);
}

static void
put_pdv(struct out *out, const uint8_t *data, size_t size, uint8_t flags)
{
	put_pdu_head(out, PDU_DATA, (uint32_t)(size + PDV_HEAD));
	put_pdv_head(out, (uint32_t)size, DICOM_CONTEXT_ID, flags);
	put(out, data, size);
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
