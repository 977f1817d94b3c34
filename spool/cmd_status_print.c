/*
 * dcmspool status: printed.
 *
 * Errors: ERR_TEMPORARY where there is no memory.
 */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "cmd_status.h"
#include "label.h"

#define US_PER_S 1000000

static json_t *json_destination(const struct cmd *cmd,
    const struct status *status, const struct status_destination *d);
static json_t *json_failed(
    const struct cmd *cmd, const struct status_destination *d);
static void print_lines(const struct cmd *cmd, const struct status *status);
static void print_destination(const struct cmd *cmd,
    const struct status *status, const struct status_destination *d);
static void label_example(const struct cmd *cmd,
    const struct status_destination *d, size_t kind, char label[LABEL_SIZE]);
static void put_time(int64_t real_us);

int
status_print(const struct cmd *cmd, const struct status *status, bool json,
    struct err *err)
{
	if (json)
		return cmd_json_print(status_json(cmd, status), err);
	if (cmd->terminal)
		status_print_table(cmd, status);
	else
		print_lines(cmd, status);
	return 0;
}

json_t *
status_json(const struct cmd *cmd, const struct status *status)
{
	json_t *destinations = json_array(), *certificates = json_array();
	size_t i;

	for (i = 0; i < status->n; i++)
		(void)json_array_append_new(destinations,
		    json_destination(cmd, status, &status->destinations[i]));
	for (i = 0; i < status->certificates_n; i++)
		(void)json_array_append_new(certificates,
		    json_pack("{ss, so}", "Whose",
			status->certificates[i].whose, "Ends",
			cmd_json_time(
			    status->certificates[i].end_s * US_PER_S)));
	return json_pack("{so, sb, sb, sb, sI, sI, si, so, so}",
	    "StorageLocation", cmd_json_text(cmd->spool.location), "Well",
	    status->well, "SenderRuns", status->sender_runs, "ReceiverRuns",
	    status->receiver_runs, "FreeBytes", (json_int_t)status->free_bytes,
	    "FreeInodes", (json_int_t)status->free_inodes, "UsedPercent",
	    status->used_percent, "Certificates", certificates, "Destinations",
	    destinations);
}

static json_t *
json_destination(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d)
{
	json_t *object, *items = json_object(), *failed = NULL;
	int state;

	if (d->count[QUEUE_FAILED] > 0)
		failed = json_failed(cmd, d);
	for (state = 0; state < QUEUE_STATES; state++)
		(void)json_object_set_new(items,
		    queue_state_name((enum queue_state)state),
		    json_integer((json_int_t)d->count[state]));
	object = json_pack("{ss, sb, ss, sb, so, so, so}", "Name",
	    d->destination.name, "Configured", d->destination.configured,
	    "Link", status_link_word(status, d), "Paused", d->paused, "Items",
	    items, "Oldest", cmd_json_time(d->oldest_us), "Next-Attempt",
	    cmd_json_time(d->next_us));
	if (object != NULL)
		(void)json_object_set_new(object, "LastMinute",
		    json_pack("{sI, sI, sI}", "Received",
			(json_int_t)d->received_60s, "Delivered",
			(json_int_t)d->delivered_60s, "Failed",
			(json_int_t)d->failed_60s));
	if (object != NULL && failed != NULL)
		(void)json_object_set_new(object, "FailedBy", failed);
	if (object != NULL && !d->is_down)
		(void)json_object_set_new(object, "UpSince",
		    cmd_json_time(status_link_since_us(status, d)));
	if (object != NULL && d->paused)
		(void)json_object_set_new(
		    object, "PausedSince", cmd_json_time(d->paused_us));
	if (object != NULL && d->is_down)
		(void)json_object_set_new(object, "Down",
		    json_pack("{so, so, sI, so}", "Since",
			cmd_json_time(d->down.since_us), "Reason",
			cmd_json_text(d->down.reason), "Probes",
			(json_int_t)d->down.probes, "Next-Probe",
			cmd_json_time(d->down.next_probe_us)));
	return object;
}

static json_t *
json_failed(const struct cmd *cmd, const struct status_destination *d)
{
	json_t *list = json_array();
	char status[CMD_STATUS_SIZE], label[LABEL_SIZE];
	size_t i;

	for (i = 0; i < d->kinds_n; i++) {
		cmd_status_format(d->kinds[i].status, status);
		label_example(cmd, d, i, label);
		(void)json_array_append_new(
		    list, json_pack("{ss, sI, ss, so}", "Status", status,
			      "Items", (json_int_t)d->kinds[i].count, "Meaning",
			      cmd_status_words(d->kinds[i].status), "Example",
			      cmd_json_text(label)));
	}
	return list;
}

/* One line a thing; the first field says what it is. */
static void
print_lines(const struct cmd *cmd, const struct status *status)
{
	size_t i;

	(void)printf("sender\t%s\nreceiver\t%s\nfree\t%" PRId64 "\t%" PRId64
		     "\t%d%%\n",
	    status->sender_runs ? "running" : "not running",
	    status->receiver_runs ? "running" : "not running",
	    status->free_bytes, status->free_inodes, status->used_percent);
	for (i = 0; i < status->certificates_n; i++)
		if (status->certificates[i].end_s != 0)
			(void)printf("certificate\t%s\t%" PRId64 "\n",
			    status->certificates[i].whose,
			    status_days_left(status, i));
		else
			(void)printf("certificate\t%s\tunreadable\n",
			    status->certificates[i].whose);
	for (i = 0; i < status->n; i++)
		print_destination(cmd, status, &status->destinations[i]);
}

static void
print_destination(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d)
{
	char word[CMD_STATUS_SIZE], label[LABEL_SIZE];
	size_t i;
	int state;

	(void)printf("destination\t%s\t%s\t%s", d->destination.name,
	    status_link_word(status, d), d->paused ? "paused" : "-");
	for (state = 0; state < QUEUE_STATES; state++)
		(void)printf("\t%" PRIu64, d->count[state]);
	put_time(d->oldest_us);
	put_time(status_next_us(d));
	put_time(status_link_since_us(status, d));
	(void)putchar('\t');
	cmd_put(stdout, d->is_down ? d->down.reason : "-");
	(void)putchar('\n');
	(void)printf("minute\t%s\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n",
	    d->destination.name, d->received_60s, d->delivered_60s,
	    d->failed_60s);
	for (i = 0; i < d->kinds_n; i++) {
		cmd_status_format(d->kinds[i].status, word);
		(void)printf("failed\t%s\t%s\t%" PRIu64 "\t%s\t",
		    d->destination.name, word, d->kinds[i].count,
		    cmd_status_words(d->kinds[i].status));
		label_example(cmd, d, i, label);
		cmd_put(stdout, label);
		(void)putchar('\n');
	}
}

/* Mailed by cron, kept by monitoring, put into the report: not for the eyes of
 * one operator. */
static void
label_example(const struct cmd *cmd, const struct status_destination *d,
    size_t kind, char label[LABEL_SIZE])
{
	label_item(cmd->spool.root_fd, d->destination.name, QUEUE_FAILED,
	    d->kinds[kind].example, label);
}

static void
put_time(int64_t real_us)
{
	char iso[CLOCK_ISO_SIZE] = "-";

	if (real_us != 0)
		clock_iso_format(real_us, iso);
	(void)printf("\t%s", iso);
}
