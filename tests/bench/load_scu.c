/*
 * A fast C-STORE SCU: instances that were prepared in advance, a thread for
 * each association, every response checked. Prints one JSON object.
 *
 *	load_scu -p PORT [-a ASSOCIATIONS] [-i IDLE] [-n INSTANCES] [-s BYTES]
 *	    [-r RATE] [-w WARM] [-u SOURCE] [-m MAX_PDU] [-x]
 *
 * IDLE more associations are held and send nothing. INSTANCES and WARM, sent
 * before and not counted, are for each association, as is RATE, a second: the
 * latency then counts from the instant at which an instance was due. SOURCE
 * makes the UIDs of runs differ. -x speaks the bytes of the relay, not DICOM:
 * length and number, that many bytes; number and status come back.
 *
 * Errors: an association that breaks counts in "broken", an answer other than
 * 0x0000 in "refused"; the exit code is 1 then.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dicom.h"

#define IN_BYTES     8192
#define MAX_LATENCY  (1 << 26)
#define RAW_HEAD     8
#define US_PER_S     1000000
#define THREAD_STACK (256 * 1024)

struct load {
	int port, associations, idle, instances, warm;
	int64_t bytes, rate;
	unsigned source;
	uint32_t max_pdu;
	bool raw;
	pthread_barrier_t ready, done;
};

struct sender {
	struct load *load;
	pthread_t thread;
	int number;
	struct wire_in in;
	struct dicom_message message;
	bool is_idle, broken;
	unsigned refused, sent;
	int64_t begin_us, end_us;
	uint32_t *latency_us; /* of each instance */
};

static void read_options(struct load *load, int argc, char **argv);
static void *run(void *argument);
static bool open_link(struct sender *sender);
static bool send_one(struct sender *sender, unsigned serial, int64_t due_us,
    uint32_t *latency_us);
static int exchange(struct sender *sender, unsigned serial);
static int exchange_raw(struct sender *sender, unsigned serial);
static int compare(const void *one, const void *two);
static int report(const struct load *load, struct sender *senders);

int
main(int argc, char **argv)
{
	struct load load = {.associations = 1,
	    .instances = 1000,
	    .bytes = 8192,
	    .max_pdu = 131072};
	struct sender *senders;
	pthread_attr_t attributes;
	int i, n, rc;

	read_options(&load, argc, argv);
	n = load.associations + load.idle;
	(void)pthread_barrier_init(&load.ready, NULL, (unsigned)n + 1);
	(void)pthread_barrier_init(&load.done, NULL, (unsigned)n + 1);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, THREAD_STACK);
	senders = wire_alloc((size_t)n * sizeof(*senders));
	for (i = 0; i < n; i++) {
		senders[i] = (struct sender){.load = &load,
		    .number = i,
		    .is_idle = i >= load.associations};
		errno = pthread_create(
		    &senders[i].thread, &attributes, run, &senders[i]);
		if (errno != 0)
			wire_die("start a thread");
	}
	(void)pthread_barrier_wait(&load.ready);
	(void)pthread_barrier_wait(&load.done);
	for (i = 0; i < n; i++)
		(void)pthread_join(senders[i].thread, NULL);
	rc = report(&load, senders);
	free(senders);
	return rc;
}

static void
read_options(struct load *load, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "p:a:i:n:s:r:w:u:m:x")) != -1) {
		switch (option) {
		case 'p':
			load->port = (int)wire_number(optarg, 1, UINT16_MAX);
			break;
		case 'a':
			load->associations = (int)wire_number(optarg, 1, 4096);
			break;
		case 'i':
			load->idle = (int)wire_number(optarg, 0, 4096);
			break;
		case 'n':
			load->instances =
			    (int)wire_number(optarg, 1, MAX_LATENCY);
			break;
		case 's':
			load->bytes = wire_number(optarg, 2, UINT32_MAX);
			break;
		case 'r':
			load->rate = wire_number(optarg, 1, US_PER_S);
			break;
		case 'w':
			load->warm = (int)wire_number(optarg, 0, MAX_LATENCY);
			break;
		case 'u':
			load->source = (unsigned)wire_number(optarg, 0, 999999);
			break;
		case 'm':
			load->max_pdu =
			    (uint32_t)wire_number(optarg, 4096, 1 << 24);
			break;
		case 'x':
			load->raw = true;
			break;
		default:
			wire_die("see the comment in load_scu.c");
		}
	}
	if (load->port == 0)
		wire_die("-p is missing");
}

static void *
run(void *argument)
{
	struct sender *sender = argument;
	struct load *load = sender->load;
	int64_t due_us = 0;
	unsigned i, warm = (unsigned)load->warm;
	uint32_t ignored;

	sender->latency_us =
	    wire_alloc((size_t)load->instances * sizeof(uint32_t));
	sender->broken = !open_link(sender);
	for (i = 0; i < warm && !sender->is_idle && !sender->broken; i++)
		sender->broken = !send_one(sender, i, 0, &ignored);
	(void)pthread_barrier_wait(&load->ready);
	sender->begin_us = sender->end_us = wire_now_us();
	for (i = 0; i < (unsigned)load->instances && !sender->is_idle &&
		    !sender->broken;
	     i++) {
		if (load->rate != 0) {
			due_us = sender->begin_us + i * US_PER_S / load->rate;
			wire_sleep_until_us(due_us);
		}
		sender->broken =
		    !send_one(sender, warm + i, due_us, &sender->latency_us[i]);
		sender->sent += !sender->broken;
		sender->end_us = wire_now_us();
	}
	(void)pthread_barrier_wait(&load->done);
	if (!load->raw && !sender->broken)
		dicom_release(&sender->in);
	if (sender->in.buffer != NULL)
		(void)close(sender->in.fd);
	wire_in_free(&sender->in);
	return NULL;
}

static bool
open_link(struct sender *sender)
{
	const struct load *load = sender->load;
	uint32_t max_pdu;
	int fd = wire_connect(load->port);

	if (fd == -1)
		return false;
	wire_in_init(&sender->in, fd, IN_BYTES);
	if (load->raw) {
		sender->message.size = RAW_HEAD + (size_t)load->bytes;
		sender->message.bytes = wire_alloc(sender->message.size);
		return true;
	}
	max_pdu =
	    dicom_associate(&sender->in, "JD-SCU", "ENS-SCP", load->max_pdu);
	if (max_pdu == 0)
		return false;
	if (max_pdu > load->max_pdu)
		max_pdu = load->max_pdu;
	dicom_message_make(&sender->message, (uint64_t)load->bytes, max_pdu);
	return true;
}

static bool
send_one(struct sender *sender, unsigned serial, int64_t due_us,
    uint32_t *latency_us)
{
	int64_t begin_us = due_us == 0 ? wire_now_us() : due_us;
	int status;

	status = sender->load->raw ? exchange_raw(sender, serial)
				   : exchange(sender, serial);
	*latency_us = (uint32_t)(wire_now_us() - begin_us);
	sender->refused += status > 0;
	return status != -1;
}

static int
exchange(struct sender *sender, unsigned serial)
{
	struct dicom_message *message = &sender->message;
	uint16_t message_id = (uint16_t)(serial % UINT16_MAX + 1);

	dicom_message_set(message, message_id,
	    sender->load->source * 1000 + (unsigned)sender->number, serial);
	if (!dicom_message_send(message, sender->in.fd))
		return -1;
	return dicom_read_response(&sender->in, message, message_id);
}

static int
exchange_raw(struct sender *sender, unsigned serial)
{
	struct dicom_message *message = &sender->message;
	const uint8_t *answer;

	wire_put_be32(message->bytes, (uint32_t)sender->load->bytes);
	wire_put_be32(message->bytes + 4, serial);
	if (!wire_write(sender->in.fd, message->bytes, message->size))
		return -1;
	answer = wire_take(&sender->in, RAW_HEAD);
	if (answer == NULL || wire_be32(answer) != serial)
		return -1;
	return (int)(wire_be32(answer + 4) & 0xFFFF);
}

static int
compare(const void *one, const void *two)
{
	const uint32_t *a = one, *b = two;

	return (*a > *b) - (*a < *b);
}

static int
report(const struct load *load, struct sender *senders)
{
	int64_t begin_us = INT64_MAX, end_us = 0;
	unsigned sent = 0, refused = 0, broken = 0;
	uint32_t *all;
	double seconds, own, slowest = 0, sum = 0;
	int i, n = load->associations + load->idle;

	for (i = 0; i < n; i++) {
		broken += senders[i].broken;
		if (senders[i].is_idle)
			continue;
		if (senders[i].begin_us < begin_us)
			begin_us = senders[i].begin_us;
		if (senders[i].end_us > end_us)
			end_us = senders[i].end_us;
		refused += senders[i].refused;
		own = senders[i].sent == 0
			  ? 0
			  : senders[i].sent / ((double)(senders[i].end_us -
							senders[i].begin_us) /
						  US_PER_S);
		sum += own;
		if (i == 0 || own < slowest)
			slowest = own;
		sent += senders[i].sent;
	}
	all = wire_alloc((sent + 1) * sizeof(*all));
	for (i = 0, sent = 0; i < load->associations; i++) {
		(void)memcpy(all + sent, senders[i].latency_us,
		    senders[i].sent * sizeof(*all));
		sent += senders[i].sent;
	}
	qsort(all, sent, sizeof(*all), compare);
	seconds = (double)(end_us - begin_us + 1) / US_PER_S;
	(void)printf("{\"instances\": %u, \"refused\": %u, \"broken\": %u, "
		     "\"seconds\": %.6f, \"rate\": %.3f, "
		     "\"begin_us\": %" PRId64 ", \"end_us\": %" PRId64 ", "
		     "\"p50_us\": %" PRIu32 ", \"p99_us\": %" PRIu32 ", "
		     "\"max_us\": %" PRIu32 ", \"mean_rate\": %.3f, "
		     "\"slowest_rate\": %.3f}\n",
	    sent, refused, broken, seconds, sent / seconds, begin_us, end_us,
	    all[sent / 2], all[(size_t)sent * 99 / 100],
	    all[sent == 0 ? 0 : sent - 1], sum / load->associations, slowest);
	free(all);
	return refused + broken == 0 ? 0 : 1;
}
