/*
 * DIMSE command sets: packed and unpacked, implicit VR little endian.
 *
 * Strings come from the network: they are cut to what a field may hold and
 * are otherwise as they came; who puts one into a path checks it first.
 *
 * Errors: ERR_CORRUPT for what is no command set; ERR_BUG for one of ours
 * that does not fit.
 */
#include <string.h>

#include "command.h"

#define ELEMENT_HEADER 8 /* group, element, length */

/* Elements of group 0000, PS3.7 E.1 */
enum element {
	GROUP_LENGTH = 0x0000,
	AFFECTED_SOP_CLASS = 0x0002,
	COMMAND_FIELD = 0x0100,
	MESSAGE_ID = 0x0110,
	MESSAGE_ID_RESPONDED_TO = 0x0120,
	PRIORITY = 0x0700,
	DATA_SET_TYPE = 0x0800,
	STATUS = 0x0900,
	OFFENDING_ELEMENT = 0x0901,
	ERROR_COMMENT = 0x0902,
	AFFECTED_SOP_INSTANCE = 0x1000,
	MOVE_ORIGINATOR_AET = 0x1030,
	MOVE_ORIGINATOR_MESSAGE_ID = 0x1031
};

struct value {
	const uint8_t *data;
	size_t size;
};

struct unpacker {
	struct command *command;
	bool has_field;
	bool has_request_id, has_response_id;
	uint16_t request_id, response_id;
};

struct packer {
	uint8_t *out;
	size_t used;
	bool full;
};

static int unpack_element(
    struct unpacker *u, uint16_t element, struct value value, struct err *err);
static void unpack_uid(struct value value, char out[NAME_UID_SIZE]);
static void unpack_aet(struct value value, char out[ENVELOPE_AET_SIZE]);
static void unpack_comment(struct value value, char out[RESULT_COMMENT_SIZE]);
static int unpack_number(uint16_t element, struct value value, bool *has,
    uint16_t *number, struct err *err);
static int unpack_offending(
    struct value value, struct command *command, struct err *err);
static void set_message_id(const struct unpacker *u);
static void pack_number(struct packer *p, uint16_t element, uint16_t number);
static void pack_string(
    struct packer *p, uint16_t element, const char *string, char padding);
static void pack_offending(struct packer *p, const struct command *command);
static void pack_header(struct packer *p, uint16_t element, size_t size);
static void pack_group_length(struct packer *p);
static void put_bytes(struct packer *p, const void *data, size_t size);
static uint16_t get_u16(const uint8_t *p);
static uint32_t get_u32(const uint8_t *p);
static void set_u16(uint8_t *p, uint16_t number);
static void set_u32(uint8_t *p, uint32_t number);

int
command_unpack(
    const uint8_t *data, size_t size, struct command *command, struct err *err)
{
	struct unpacker u = {.command = command};
	struct value value;
	int64_t last = -1;
	uint16_t element;
	size_t at;

	memset(command, 0, sizeof(*command));
	for (at = 0; at < size; at += value.size) {
		if (size - at < ELEMENT_HEADER)
			return err_set(err, ERR_CORRUPT,
			    "command set ends inside an element");
		if (get_u16(data + at) != 0)
			return err_set(err, ERR_CORRUPT,
			    "command set holds group %04x",
			    (unsigned)get_u16(data + at));
		element = get_u16(data + at + 2);
		value.size = get_u32(data + at + 4);
		at += ELEMENT_HEADER;
		value.data = data + at;
		if (value.size > size - at)
			return err_set(err, ERR_CORRUPT,
			    "command element (0000,%04x) is longer than the "
			    "command set",
			    (unsigned)element);
		if (element <= last)
			return err_set(err, ERR_CORRUPT,
			    "command element (0000,%04x) is out of order",
			    (unsigned)element);
		last = element;
		if (unpack_element(&u, element, value, err) == -1)
			return -1;
	}
	if (!u.has_field)
		return err_set(
		    err, ERR_CORRUPT, "command set has no Command Field");
	set_message_id(&u);
	return 0;
}

int
command_pack(const struct command *command, uint8_t out[COMMAND_OUT_SIZE],
    size_t *size, struct err *err)
{
	bool response = (command->field & 0x8000) != 0;
	struct packer p = {.out = out};

	pack_header(&p, GROUP_LENGTH, 4);
	put_bytes(&p, "\0\0\0", 4);
	pack_string(&p, AFFECTED_SOP_CLASS, command->sop_class, '\0');
	pack_number(&p, COMMAND_FIELD, command->field);
	if (command->has_message_id)
		pack_number(&p, response ? MESSAGE_ID_RESPONDED_TO : MESSAGE_ID,
		    command->message_id);
	if (command->field == COMMAND_C_STORE_RQ)
		pack_number(&p, PRIORITY, command->priority);
	if (command->has_data_set_type)
		pack_number(&p, DATA_SET_TYPE, command->data_set_type);
	if (command->has_status)
		pack_number(&p, STATUS, command->status);
	pack_offending(&p, command);
	pack_string(&p, ERROR_COMMENT, command->error_comment, ' ');
	pack_string(&p, AFFECTED_SOP_INSTANCE, command->sop_instance, '\0');
	pack_string(&p, MOVE_ORIGINATOR_AET, command->move_aet, ' ');
	if (command->move_aet[0] != '\0')
		pack_number(
		    &p, MOVE_ORIGINATOR_MESSAGE_ID, command->move_message_id);
	if (p.full)
		return err_set(err, ERR_BUG,
		    "command set is longer than %d bytes", COMMAND_OUT_SIZE);
	pack_group_length(&p);
	*size = p.used;
	return 0;
}

static int
unpack_element(
    struct unpacker *u, uint16_t element, struct value value, struct err *err)
{
	struct command *c = u->command;
	bool ignored;

	switch (element) {
	case AFFECTED_SOP_CLASS:
		c->has_sop_class = true;
		unpack_uid(value, c->sop_class);
		return 0;
	case COMMAND_FIELD:
		return unpack_number(
		    element, value, &u->has_field, &c->field, err);
	case MESSAGE_ID:
		return unpack_number(
		    element, value, &u->has_request_id, &u->request_id, err);
	case MESSAGE_ID_RESPONDED_TO:
		return unpack_number(
		    element, value, &u->has_response_id, &u->response_id, err);
	case PRIORITY:
		return unpack_number(
		    element, value, &ignored, &c->priority, err);
	case DATA_SET_TYPE:
		return unpack_number(element, value, &c->has_data_set_type,
		    &c->data_set_type, err);
	case STATUS:
		return unpack_number(
		    element, value, &c->has_status, &c->status, err);
	case OFFENDING_ELEMENT:
		return unpack_offending(value, c, err);
	case ERROR_COMMENT:
		unpack_comment(value, c->error_comment);
		return 0;
	case AFFECTED_SOP_INSTANCE:
		c->has_sop_instance = true;
		unpack_uid(value, c->sop_instance);
		return 0;
	case MOVE_ORIGINATOR_AET:
		unpack_aet(value, c->move_aet);
		return 0;
	case MOVE_ORIGINATOR_MESSAGE_ID:
		return unpack_number(
		    element, value, &ignored, &c->move_message_id, err);
	default: /* (0000,0000) among them: the elements say it better */
		return 0;
	}
}

/* Padding is NUL (PS3.5 9.1); some send a space. */
static void
unpack_uid(struct value value, char out[NAME_UID_SIZE])
{
	size_t size = value.size;

	while (size > 0 &&
	       (value.data[size - 1] == '\0' || value.data[size - 1] == ' '))
		size--;
	if (size >= NAME_UID_SIZE || memchr(value.data, '\0', size) != NULL)
		size = 0;
	memcpy(out, value.data, size);
	out[size] = '\0';
}

/* Spaces around it do not count (PS3.5 6.2); one with control characters or
 * too many characters counts as absent. */
static void
unpack_aet(struct value value, char out[ENVELOPE_AET_SIZE])
{
	size_t size = value.size, i;

	while (size > 0 &&
	       (value.data[size - 1] == '\0' || value.data[size - 1] == ' '))
		size--;
	while (size > 0 && value.data[0] == ' ') {
		value.data++;
		size--;
	}
	if (size >= ENVELOPE_AET_SIZE)
		size = 0;
	for (i = 0; i < size; i++)
		if (value.data[i] < 0x20 || value.data[i] == 0x7f)
			size = 0;
	memcpy(out, value.data, size);
	out[size] = '\0';
}

/* Trailing spaces stay, so that what is passed on is what came. */
static void
unpack_comment(struct value value, char out[RESULT_COMMENT_SIZE])
{
	size_t size;

	if (value.size >= RESULT_COMMENT_SIZE)
		value.size = RESULT_COMMENT_SIZE - 1;
	size = strnlen((const char *)value.data, value.size);
	memcpy(out, value.data, size);
	out[size] = '\0';
}

/* An empty number is one that was left out. */
static int
unpack_number(uint16_t element, struct value value, bool *has, uint16_t *number,
    struct err *err)
{
	*has = false;
	if (value.size == 0)
		return 0;
	if (value.size != 2)
		return err_set(err, ERR_CORRUPT,
		    "command element (0000,%04x) has %zu bytes instead of 2",
		    (unsigned)element, value.size);
	*has = true;
	*number = get_u16(value.data);
	return 0;
}

static int
unpack_offending(struct value value, struct command *command, struct err *err)
{
	uint32_t group, element;
	size_t at;

	if (value.size % 4 != 0)
		return err_set(err, ERR_CORRUPT,
		    "command element (0000,%04x) has %zu bytes",
		    (unsigned)OFFENDING_ELEMENT, value.size);
	for (at = 0; at < value.size && command->offending_n < RESULT_OFFENDING;
	     at += 4) {
		group = get_u16(value.data + at);
		element = get_u16(value.data + at + 2);
		command->offending[command->offending_n++] =
		    group << 16 | element;
	}
	return 0;
}

static void
set_message_id(const struct unpacker *u)
{
	bool response = (u->command->field & 0x8000) != 0;

	u->command->has_message_id =
	    response ? u->has_response_id : u->has_request_id;
	u->command->message_id = response ? u->response_id : u->request_id;
}

static void
pack_number(struct packer *p, uint16_t element, uint16_t number)
{
	uint8_t bytes[2];

	set_u16(bytes, number);
	pack_header(p, element, sizeof(bytes));
	put_bytes(p, bytes, sizeof(bytes));
}

static void
pack_string(
    struct packer *p, uint16_t element, const char *string, char padding)
{
	size_t size = strlen(string);

	if (size == 0)
		return;
	pack_header(p, element, size + size % 2);
	put_bytes(p, string, size);
	if (size % 2 != 0)
		put_bytes(p, &padding, 1);
}

static void
pack_offending(struct packer *p, const struct command *command)
{
	uint8_t bytes[4];
	size_t i;

	if (command->offending_n > RESULT_OFFENDING)
		p->full = true;
	if (command->offending_n == 0 || p->full)
		return;
	pack_header(p, OFFENDING_ELEMENT, 4 * command->offending_n);
	for (i = 0; i < command->offending_n; i++) {
		set_u16(bytes, (uint16_t)(command->offending[i] >> 16));
		set_u16(bytes + 2, (uint16_t)command->offending[i]);
		put_bytes(p, bytes, sizeof(bytes));
	}
}

static void
pack_header(struct packer *p, uint16_t element, size_t size)
{
	uint8_t bytes[ELEMENT_HEADER] = {0};

	set_u16(bytes + 2, element);
	set_u32(bytes + 4, (uint32_t)size);
	put_bytes(p, bytes, sizeof(bytes));
}

/* The value of (0000,0000), the first element: what is behind it. */
static void
pack_group_length(struct packer *p)
{
	set_u32(
	    p->out + ELEMENT_HEADER, (uint32_t)(p->used - ELEMENT_HEADER - 4));
}

static void
put_bytes(struct packer *p, const void *data, size_t size)
{
	if (size > COMMAND_OUT_SIZE - p->used) {
		p->full = true;
		return;
	}
	memcpy(p->out + p->used, data, size);
	p->used += size;
}

static uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)get_u16(p) | (uint32_t)get_u16(p + 2) << 16;
}

static void
set_u16(uint8_t *p, uint16_t number)
{
	p[0] = (uint8_t)number;
	p[1] = (uint8_t)(number >> 8);
}

static void
set_u32(uint8_t *p, uint32_t number)
{
	set_u16(p, (uint16_t)number);
	set_u16(p + 2, (uint16_t)(number >> 16));
}
