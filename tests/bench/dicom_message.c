/*
 * C-STORE requests made in advance; for each instance the message ID and the
 * SOP Instance UID are changed in place.
 *
 * Errors: a peer that is gone is false.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom.h"
#include "pdu.h"

#define STREAMED    (16u << 20) /* larger ones are not held in memory */
#define FILLER_PDUS 8
#define STUDY	    "2.25.340282366920938463463374607431768211455"
#define UID_FORMAT  "2.25.1%09u1%09u"

static void put_explicit(struct pdu_out *out, uint16_t group, uint16_t element,
    const char *vr, const void *data, size_t size);
static size_t make_command(struct dicom_message *m, uint8_t *bytes);
static size_t make_data_head(
    struct dicom_message *m, uint8_t *bytes, uint64_t size);
static void split(
    struct dicom_message *m, const uint8_t *data, uint64_t size, size_t step);
static void stream(struct dicom_message *m, const uint8_t *data,
    size_t head_size, uint64_t size, size_t step);
static void put_pdv(
    struct pdu_out *out, const uint8_t *data, size_t size, uint8_t flags);

void
dicom_message_make(struct dicom_message *m, uint64_t size, uint32_t max_pdu)
{
	uint8_t head[2048], command[COMMAND_MOST];
	size_t step = max_pdu - PDV_HEAD, head_size, command_size, most;
	struct pdu_out out;
	uint8_t *data;

	*m = (struct dicom_message){.bytes = NULL};
	head_size = make_data_head(m, head, size);
	size = head_size + wire_le32(head + head_size - 4);
	command_size = make_command(m, command);
	most = size > STREAMED ? STREAMED : (size_t)size;
	most += (most / step + 4) * (PDU_HEAD + PDV_HEAD) + command_size;
	out = (struct pdu_out){m->bytes = wire_alloc(most + step), 0};
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

static void
put_explicit(struct pdu_out *out, uint16_t group, uint16_t element,
    const char *vr, const void *data, size_t size)
{
	uint8_t head[8];

	wire_put_le16(head, group);
	wire_put_le16(head + 2, element);
	(void)memcpy(head + 4, vr, 2);
	wire_put_le16(head + 6, (uint16_t)(size + size % 2));
	pdu_put(out, head, sizeof(head));
	pdu_put(out, data, size);
	pdu_put(out, vr[0] == 'U' ? "" : " ", size % 2);
}

static size_t
make_command(struct dicom_message *m, uint8_t *bytes)
{
	struct pdu_out out = {bytes, 0};
	char uid[DICOM_UID_SIZE];
	uint8_t group_length[4] = {0};
	size_t begin;

	m->uid_length = (size_t)snprintf(uid, sizeof(uid), UID_FORMAT, 0U, 0U);
	pdu_put_element(&out, 0x0000, group_length, 4);
	begin = out.used;
	pdu_put_element(&out, 0x0002, DICOM_SECONDARY_CAPTURE,
	    strlen(DICOM_SECONDARY_CAPTURE));
	pdu_put_short(&out, 0x0100, DICOM_C_STORE_RQ);
	pdu_put_short(&out, 0x0110, 0);
	m->message_id_at = bytes + out.used - 2;
	pdu_put_short(&out, 0x0700, 0);
	pdu_put_short(&out, 0x0800, 0x0001);
	m->uid_at = bytes + out.used + 8;
	pdu_put_element(&out, 0x1000, uid, m->uid_length);
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
	struct pdu_out out = {bytes, 0};
	char uid[DICOM_UID_SIZE];
	int length = snprintf(uid, sizeof(uid), UID_FORMAT, 0U, 0U);

	put_explicit(&out, 0x0008, 0x0016, "UI", DICOM_SECONDARY_CAPTURE,
	    strlen(DICOM_SECONDARY_CAPTURE));
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
	pdu_put(&out, pixels, sizeof(pixels));
	return out.used;
}

static void
split(struct dicom_message *m, const uint8_t *data, uint64_t size, size_t step)
{
	struct pdu_out out = {m->bytes, m->size};
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
	struct pdu_out out = {m->bytes, m->size};
	uint64_t left = size - head_size;
	int i;

	put_pdv(&out, data, head_size, 0);
	m->size = out.used;
	m->filler_times = (left - 1) / (FILLER_PDUS * step);
	left -= m->filler_times * FILLER_PDUS * step;
	m->filler_size = FILLER_PDUS * (PDU_HEAD + PDV_HEAD + step);
	out = (struct pdu_out){m->filler = wire_alloc(m->filler_size), 0};
	for (i = 0; i < FILLER_PDUS; i++)
		put_pdv(&out, zeros, step, 0);
	out = (struct pdu_out){m->tail = wire_alloc(m->filler_size), 0};
	for (; left > step; left -= step)
		put_pdv(&out, zeros, step, 0);
	put_pdv(&out, zeros, (size_t)left, FLAG_LAST);
	m->tail_size = out.used;
	free(zeros);
}

static void
put_pdv(struct pdu_out *out, const uint8_t *data, size_t size, uint8_t flags)
{
	pdu_put_head(out, PDU_DATA, (uint32_t)(size + PDV_HEAD));
	pdu_put_pdv_head(out, (uint32_t)size, DICOM_CONTEXT_ID, flags);
	pdu_put(out, data, size);
}
