/*
 * Bytes of PDUs and of command sets.
 *
 * Errors: none.
 */
#include <string.h>

#include "pdu.h"
#include "wire.h"

void
pdu_put(struct pdu_out *out, const void *data, size_t size)
{
	(void)memcpy(out->bytes + out->used, data, size);
	out->used += size;
}

void
pdu_put_head(struct pdu_out *out, uint8_t type, uint32_t size)
{
	uint8_t head[PDU_HEAD] = {type};

	wire_put_be32(head + 2, size);
	pdu_put(out, head, sizeof(head));
}

void
pdu_put_pdv_head(
    struct pdu_out *out, uint32_t size, uint8_t context_id, uint8_t flags)
{
	uint8_t head[PDV_HEAD] = {0, 0, 0, 0, context_id, flags};

	wire_put_be32(head, size + 2);
	pdu_put(out, head, sizeof(head));
}

/* Implicit little endian, group 0000; UIDs are padded with NUL. */
void
pdu_put_element(
    struct pdu_out *out, uint16_t element, const void *data, size_t size)
{
	uint8_t head[8] = {0};

	wire_put_le16(head + 2, element);
	wire_put_le32(head + 4, (uint32_t)(size + size % 2));
	pdu_put(out, head, sizeof(head));
	pdu_put(out, data, size);
	pdu_put(out, "", size % 2);
}

void
pdu_put_short(struct pdu_out *out, uint16_t element, uint16_t value)
{
	uint8_t bytes[2];

	wire_put_le16(bytes, value);
	pdu_put_element(out, element, bytes, sizeof(bytes));
}
