/*
 * Bytes of PDUs and of command sets, appended to what is there. PS3.8 9.3,
 * PS3.7 6.3. The caller has room for them.
 */
#ifndef BENCH_PDU_H
#define BENCH_PDU_H

#include <stddef.h>
#include <stdint.h>

#define PDU_ASSOCIATE_RQ 1
#define PDU_ASSOCIATE_AC 2
#define PDU_DATA	 4
#define PDU_RELEASE_RQ	 5
#define PDU_RELEASE_RP	 6
#define PDU_HEAD	 6
#define PDV_HEAD	 6

#define FLAG_COMMAND 1
#define FLAG_LAST    2

#define COMMAND_MOST 1024
#define NO_DATA_SET  0x0101

struct pdu_out {
	uint8_t *bytes;
	size_t used;
};

void pdu_put(struct pdu_out *out, const void *data, size_t size);
void pdu_put_head(struct pdu_out *out, uint8_t type, uint32_t size);
void pdu_put_pdv_head(
    struct pdu_out *out, uint32_t size, uint8_t context_id, uint8_t flags);
void pdu_put_element(
    struct pdu_out *out, uint16_t element, const void *data, size_t size);
void pdu_put_short(struct pdu_out *out, uint16_t element, uint16_t value);

#endif
