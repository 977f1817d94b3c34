/*
 * dcmspool status: printed.
 *
 * Errors: ERR_TEMPORARY where there is no memory.
 */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "cmd_status.h"

#define GIB (1024.0 * 1024.0 * 1024.0)

static int print_json(
    const struct cmd *cmd, const struct status *status, struct err *err);
static json_t *json_destination(
    const struct status *status, const struct status_destination *d);
static void print_table(const struct cmd *cmd, const struct status *status);
static void print_row(
    const struct status *status, const struct status_destination *d, int width);
static void print_note(
    const struct status *status, const struct status_destination *d);
static void print_lines(const struct status *status);
static const char *link_word(
    const struct status *status, const struct status_destination *d);
static int64_t next_of(const struct status_destination *d);
static void format_next(
    const struct status *status, int64_t next_us, char out[CMD_AGE_SIZE + 4]);
static void put_time(int64_t real_us);

int
status_print(const struct cmd *cmd, const struct status *status, bool json,
    struct err *err)
{
	if (json)
		return print_json(cmd, status, err);
	if (cmd->terminal)
		print_table(cmd, status);
	else
		print_lines(status);
	return 0;
}

static int
print_json(const struct cmd *cmd, const struct status *status, struct err *err)
{
	json_t *destinations = json_array();
	size_t i;

	for (i = 0; i < status->n; i++)
		(void)json_array_append_new(destinations,
		    json_destination(status, &status->destinations[i]));
	return cmd_json_print(
	    json_pack("{so, sb, sb, sb, sI, sI, so}", "StorageLocation",
		cmd_json_text(cmd->spool.location), "Well", status->well,
		"SenderRuns", status->sender_runs, "ReceiverRuns",
		status->receiver_runs, "FreeBytes",
		(json_int_t)status->free_bytes, "FreeInodes",
		(json_int_t)status->free_inodes, "Destinations", destinations),
	    err);
}

static json_t *
json_destination(
    const struct status *status, const struct status_destination *d)
{
	json_t *object, *items = json_object();
	int state;

	for (state = 0; state < QUEUE_STATES; state++)
		(void)json_object_set_new(items,
		    queue_state_name((enum queue_state)state),
		    json_integer((json_int_t)d->count[state]));
	object = json_pack("{ss, sb, ss, sb, so, so, so}", "Name",
	    d->destination.name, "Configured", d->destination.configured,
	    "Link", link_word(status, d), "Paused", d->paused, "Items", items,
	    "Oldest", cmd_json_time(d->oldest_us), "Next-Attempt",
	    cmd_json_time(d->next_us));
	if (object != NULL && d->is_down)
		(void)json_object_set_new(object, "Down",
		    json_pack("{so, so, sI, so}", "Since",
			cmd_json_time(d->down.since_us), "Reason",
			cmd_json_text(d->down.reason), "Probes",
			(json_int_t)d->down.probes, "Next-Probe",
			cmd_json_time(d->down.next_probe_us)));
	return object;
}

static void
print_table(const struct cmd *cmd, const struct status *status)
{
	int width = (int)strlen("DESTINATION"), state;
	size_t i;

	(void)printf("spool     ");
	cmd_put(stdout, cmd->spool.location);
	(void)printf(", %.1f GiB free%s\n", (double)status->free_bytes / GIB,
	    status->free_bytes < cmd->conf->min_free_bytes ||
		    status->free_inodes < cmd->conf->min_free_inodes
		? ": too little, new work is refused"
		: "");
	(void)printf("sender    %s\nreceiver  %s\n\n",
	    status->sender_runs ? "running" : "not running",
	    status->receiver_runs ? "running" : "not running");
	for (i = 0; i < status->n; i++)
		if ((int)strlen(status->destinations[i].destination.name) >
		    width)
			width = (int)strlen(
			    status->destinations[i].destination.name);
	(void)printf("%-*s  %-14s", width, "DESTINATION", "LINK");
	for (state = 0; state < QUEUE_STATES; state++)
		(void)printf(" %8s", queue_state_name((enum queue_state)state));
	(void)printf("  %8s  %8s\n", "oldest", "next");
	for (i = 0; i < status->n; i++)
		print_row(status, &status->destinations[i], width);
	for (i = 0; i < status->n; i++)
		print_note(status, &status->destinations[i]);
}

static void
print_row(
    const struct status *status, const struct status_destination *d, int width)
{
	char oldest[CMD_AGE_SIZE] = "-", next[CMD_AGE_SIZE + 4];
	int state;

	(void)printf("%-*s  %-14s", width, d->destination.name,
	    d->paused ? "paused" : link_word(status, d));
	for (state = 0; state < QUEUE_STATES; state++)
		(void)printf(" %8" PRIu64, d->count[state]);
	if (d->oldest_us != 0)
		cmd_age_format(status->now_us - d->oldest_us, oldest);
	format_next(status, next_of(d), next);
	(void)printf("  %8s  %8s\n", oldest, next);
}

/* Why a link is down, below the table. */
static void
print_note(const struct status *status, const struct status_destination *d)
{
	char age[CMD_AGE_SIZE];

	if (!d->is_down)
		return;
	(void)printf("\n%s: down", d->destination.name);
	if (d->down.since_us != 0) {
		cmd_age_format(status->now_us - d->down.since_us, age);
		(void)printf(" for %s, %u probes", age, d->down.probes);
	}
	(void)printf(": ");
	cmd_put(stdout, d->down.reason);
	(void)putchar('\n');
}

/* One line a thing; the first field says what it is. */
static void
print_lines(const struct status *status)
{
	const struct status_destination *d;
	size_t i;
	int state;

	(void)printf("sender\t%s\nreceiver\t%s\nfree\t%" PRId64 "\t%" PRId64
		     "\n",
	    status->sender_runs ? "running" : "not running",
	    status->receiver_runs ? "running" : "not running",
	    status->free_bytes, status->free_inodes);
	for (i = 0; i < status->n; i++) {
		d = &status->destinations[i];
		(void)printf("destination\t%s\t%s\t%s", d->destination.name,
		    link_word(status, d), d->paused ? "paused" : "-");
		for (state = 0; state < QUEUE_STATES; state++)
			(void)printf("\t%" PRIu64, d->count[state]);
		put_time(d->oldest_us);
		put_time(next_of(d));
		put_time(d->is_down ? d->down.since_us : 0);
		(void)putchar('\t');
		cmd_put(stdout, d->is_down ? d->down.reason : "-");
		(void)putchar('\n');
	}
}

static const char *
link_word(const struct status *status, const struct status_destination *d)
{
	if (!d->destination.configured)
		return "not configured";
	if (d->is_down)
		return "down";
	return status->sender_runs ? "up" : "unknown";
}

/* The next probe of a link that is down, else the next attempt. */
static int64_t
next_of(const struct status_destination *d)
{
	return d->is_down ? d->down.next_probe_us : d->next_us;
}

static void
format_next(
    const struct status *status, int64_t next_us, char out[CMD_AGE_SIZE + 4])
{
	char age[CMD_AGE_SIZE];

	if (next_us == 0) {
		(void)snprintf(out, CMD_AGE_SIZE, "-");
		return;
	}
	if (next_us <= status->now_us) {
		(void)snprintf(out, CMD_AGE_SIZE, "now");
		return;
	}
	cmd_age_format(next_us - status->now_us, age);
	(void)snprintf(out, CMD_AGE_SIZE + 4, "in %s", age);
}

static void
put_time(int64_t real_us)
{
	char iso[CLOCK_ISO_SIZE] = "-";

	if (real_us != 0)
		clock_iso_format(real_us, iso);
	(void)printf("\t%s", iso);
}
