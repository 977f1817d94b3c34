/*
 * The little DICOM that the load generators speak: valid, prepared in advance,
 * and as cheap as can be. PS3.7 9.3.1, PS3.8 9.3.
 */
#ifndef BENCH_DICOM_H
#define BENCH_DICOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define DICOM_UID_SIZE		65 /* with the NUL */
#define DICOM_CONTEXT_ID	1
#define DICOM_SECONDARY_CAPTURE "1.2.840.10008.5.1.4.1.1.7"

#define DICOM_C_STORE_RQ 0x0001
#define DICOM_C_ECHO_RQ	 0x0030
#define DICOM_RESPONSE	 0x8000

/* One C-STORE request, ready to be sent again and again. */
struct dicom_message {
	uint8_t *bytes;	 /* command and data set in PDUs */
	size_t size;	 /* of bytes */
	uint8_t *filler; /* whole PDUs of zeros, between head and tail */
	size_t filler_size;
	uint64_t filler_times;
	uint8_t *tail; /* the last PDUs, where there is a filler */
	size_t tail_size;
	uint8_t *message_id_at, *uid_at, *data_uid_at;
	size_t uid_length;
};

struct dicom_command {
	uint16_t field, message_id, status;
	bool has_data_set;
	char sop_class[DICOM_UID_SIZE], sop_instance[DICOM_UID_SIZE];
};

/* The requestor's side: the peer's maximum PDU, or 0 where it refused. */
uint32_t dicom_associate(struct wire_in *in, const char *calling,
    const char *called, uint32_t max_pdu);
void dicom_release(struct wire_in *in);

/* A data set of about `size` bytes in PDUs of at most max_pdu. */
void dicom_message_make(
    struct dicom_message *m, uint64_t size, uint32_t max_pdu);
void dicom_message_free(struct dicom_message *m);
/* A new SOP Instance UID, from two numbers below 10^9. */
void dicom_message_set(struct dicom_message *m, uint16_t message_id,
    unsigned source, unsigned serial);
bool dicom_message_send(const struct dicom_message *m, int fd);
/* Reads a C-STORE-RSP, and checks that it is the one to m. Its status; -1
 * where it is another or the peer is gone. */
int dicom_read_response(
    struct wire_in *in, const struct dicom_message *m, uint16_t message_id);

/* The acceptor's side: takes every context; false where the peer is gone. */
bool dicom_accept(struct wire_in *in, uint32_t max_pdu);
/*
 * Reads to the end of the next request, its data set included, which is
 * counted in *bytes. 1; 0 released or gone; -1 nonsense.
 */
int dicom_read_request(struct wire_in *in, struct dicom_command *command,
    uint8_t *context_id, uint64_t *bytes);
bool dicom_respond(int fd, uint8_t context_id,
    const struct dicom_command *request, uint16_t status);

#endif
