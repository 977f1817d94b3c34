/*
 * Commands over an association, with their limits kept: a command set has a
 * size and a time, however small the pieces that it comes in.
 *
 * Errors: ASSOC_BROKEN and ERR_CORRUPT for what a peer must not send; those
 * of the association are passed on.
 */
#include <string.h>

#include "clock.h"
#include "dimse.h"

#define MIN_REST_MS 1000 /* for what follows a first fragment, at least */

struct command_set {
	uint8_t data[COMMAND_MAX_SIZE];
	size_t size;
	uint8_t context_id;
	bool started;
};

static int add_fragment(const struct assoc *assoc, struct command_set *set,
    const struct assoc_pdv *pdv, struct err *err);
static enum assoc_event broken_off(enum assoc_event event, struct err *err);
static int time_left(int64_t deadline_ms);

enum assoc_event
dimse_read_command(struct assoc *assoc, int timeout_ms, struct command *command,
    uint8_t *context_id, struct err *err)
{
	struct command_set set = {.size = 0};
	int rest_ms = timeout_ms > MIN_REST_MS ? timeout_ms : MIN_REST_MS;
	int64_t deadline_ms = 0;
	struct assoc_pdv pdv;
	enum assoc_event event;

	do {
		event = assoc_read_pdv(assoc,
		    set.started ? time_left(deadline_ms) : timeout_ms, &pdv,
		    err);
		if (event != ASSOC_PDV)
			return set.started ? broken_off(event, err) : event;
		if (!set.started)
			deadline_ms = clock_mono_ms() + rest_ms;
		if (add_fragment(assoc, &set, &pdv, err) == -1)
			return ASSOC_BROKEN;
	} while (!pdv.last);
	if (command_unpack(set.data, set.size, command, err) == -1)
		return ASSOC_BROKEN;
	*context_id = set.context_id;
	return ASSOC_PDV;
}

int
dimse_send_command(struct assoc *assoc, uint8_t context_id,
    const struct command *command, int timeout_ms, struct err *err)
{
	size_t most = assoc_pdv_bytes(assoc), size, at, n;
	uint8_t data[COMMAND_OUT_SIZE];

	if (command_pack(command, data, &size, err) == -1)
		return -1;
	for (at = 0; at < size; at += n) {
		n = size - at < most ? size - at : most;
		if (assoc_write_pdv(assoc, context_id, true, at + n == size,
			data + at, n, timeout_ms, err) == -1)
			return -1;
	}
	return 0;
}

static int
add_fragment(const struct assoc *assoc, struct command_set *set,
    const struct assoc_pdv *pdv, struct err *err)
{
	if (!pdv->command)
		return err_set(err, ERR_CORRUPT,
		    "a data set fragment came where a command was due");
	if (assoc_abstract_syntax(assoc, pdv->context_id) == NULL)
		return err_set(err, ERR_CORRUPT,
		    "a command came on presentation context %u, which was not "
		    "accepted",
		    (unsigned)pdv->context_id);
	if (set->started && pdv->context_id != set->context_id)
		return err_set(err, ERR_CORRUPT,
		    "a command came on two presentation contexts");
	if (pdv->size > sizeof(set->data) - set->size)
		return err_set(err, ERR_CORRUPT,
		    "a command set is longer than %d bytes", COMMAND_MAX_SIZE);
	memcpy(set->data + set->size, pdv->data, pdv->size);
	set->size += pdv->size;
	set->context_id = pdv->context_id;
	set->started = true;
	return 0;
}

/* A part of a command set is lost with this call, so nothing can follow. */
static enum assoc_event
broken_off(enum assoc_event event, struct err *err)
{
	switch (event) {
	case ASSOC_RELEASE:
		(void)err_set(err, ERR_CORRUPT,
		    "the peer asked for release inside a command set");
		return ASSOC_BROKEN;
	case ASSOC_TIMEOUT:
		(void)err_set(err, ERR_TEMPORARY,
		    "the peer stopped inside a command set");
		return ASSOC_BROKEN;
	case ASSOC_PDV:
	case ASSOC_ABORTED:
	case ASSOC_CLOSED:
	case ASSOC_BROKEN:
		break;
	}
	return event;
}

static int
time_left(int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();

	return left_ms > 0 ? (int)left_ms : 0;
}
