/*
 * dcmspool status: printed.
 *
 * Errors: ERR_TEMPORARY where there is no memory.
 */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "cmd_status.h"
#include "result.h"

#define US_PER_S 1000000
#define MIB	 (1024.0 * 1024.0)

static json_t *json_destination(
    const struct status *status, const struct status_destination *d);
static void print_table(const struct cmd *cmd, const struct status *status);
static json_t *json_failed(const struct status_destination *d);
static void print_head(const struct cmd *cmd, const struct status *status);
static void print_certificate(
    const struct cmd *cmd, const struct status *status, size_t i);
static void print_daemon(const struct cmd *cmd, const char *name, bool runs);
static void print_row(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d, int width);
static void print_note(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d);
static void print_rate(const struct status *status);
static void print_lines(const struct status *status);
static void print_destination(
    const struct status *status, const struct status_destination *d);
static void format_status(int status, char out[16]);
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
		return cmd_json_print(status_json(cmd, status), err);
	if (cmd->terminal)
		print_table(cmd, status);
	else
		print_lines(status);
	return 0;
}

json_t *
status_json(const struct cmd *cmd, const struct status *status)
{
	json_t *destinations = json_array(), *certificates = json_array();
	size_t i;

	for (i = 0; i < status->n; i++)
		(void)json_array_append_new(destinations,
		    json_destination(status, &status->destinations[i]));
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
json_destination(
    const struct status *status, const struct status_destination *d)
{
	json_t *object, *items = json_object(), *failed = NULL;
	int state;

	if (d->count[QUEUE_FAILED] > 0)
		failed = json_failed(d);
	for (state = 0; state < QUEUE_STATES; state++)
		(void)json_object_set_new(items,
		    queue_state_name((enum queue_state)state),
		    json_integer((json_int_t)d->count[state]));
	object = json_pack("{ss, sb, ss, sb, so, so, so}", "Name",
	    d->destination.name, "Configured", d->destination.configured,
	    "Link", link_word(status, d), "Paused", d->paused, "Items", items,
	    "Oldest", cmd_json_time(d->oldest_us), "Next-Attempt",
	    cmd_json_time(d->next_us));
	if (object != NULL)
		(void)json_object_set_new(object, "LastMinute",
		    json_pack("{sI, sI, sI}", "Received",
			(json_int_t)d->received_60s, "Delivered",
			(json_int_t)d->delivered_60s, "Failed",
			(json_int_t)d->failed_60s));
	if (object != NULL && failed != NULL)
		(void)json_object_set_new(object, "FailedBy", failed);
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
json_failed(const struct status_destination *d)
{
	json_t *list = json_array();
	char status[16];
	size_t i;

	for (i = 0; i < d->kinds_n; i++) {
		format_status(d->kinds[i].status, status);
		(void)json_array_append_new(
		    list, json_pack("{ss, sI, ss}", "Status", status, "Items",
			      (json_int_t)d->kinds[i].count, "Meaning",
			      cmd_status_words(d->kinds[i].status)));
	}
	return list;
}

static void
print_table(const struct cmd *cmd, const struct status *status)
{
	int width = (int)strlen("DESTINATION"), state;
	size_t i;

	print_head(cmd, status);
	for (i = 0; i < status->n; i++)
		if ((int)strlen(status->destinations[i].destination.name) >
		    width)
			width = (int)strlen(
			    status->destinations[i].destination.name);
	(void)printf("\n%-*s  %-14s", width, "DESTINATION", "LINK");
	for (state = 0; state < QUEUE_STATES; state++)
		(void)printf(" %8s", queue_state_name((enum queue_state)state));
	(void)printf("  %8s  %8s\n", "oldest", "next");
	for (i = 0; i < status->n; i++)
		print_row(cmd, status, &status->destinations[i], width);
	for (i = 0; i < status->n; i++)
		print_note(cmd, status, &status->destinations[i]);
	if (status->watched_us > 0)
		print_rate(status);
}

static void
print_head(const struct cmd *cmd, const struct status *status)
{
	bool too_little = status->free_bytes < cmd->conf->min_free_bytes ||
			  status->free_inodes < cmd->conf->min_free_inodes;
	enum cmd_colour disk = too_little		    ? CMD_BAD
			       : status->used_percent >= 90 ? CMD_WARN
							    : CMD_PLAIN;

	double free_mib = (double)status->free_bytes / MIB;
	bool small = free_mib < 1024;
	size_t i;

	(void)printf("spool     ");
	cmd_put(stdout, cmd->spool.location);
	(void)printf(", %sdisk %d %% full%s, %.1f %s free%s\n",
	    cmd_colour_begin(cmd, disk), status->used_percent,
	    cmd_colour_end(cmd, disk), small ? free_mib : free_mib / 1024,
	    small ? "MiB" : "GiB",
	    too_little ? ": too little, new work is refused" : "");
	print_daemon(cmd, "sender", status->sender_runs);
	print_daemon(cmd, "receiver", status->receiver_runs);
	for (i = 0; i < status->certificates_n; i++)
		print_certificate(cmd, status, i);
}

/* While there is time enough it is not worth a line. */
static void
print_certificate(const struct cmd *cmd, const struct status *status, size_t i)
{
	int64_t days = status_days_left(status, i);

	if (!status_certificate_is_near(status, i))
		return;
	(void)printf("certificate of %s: %s", status->certificates[i].whose,
	    cmd_colour_begin(cmd, CMD_BAD));
	if (days < 0)
		(void)printf("has ended");
	else
		(void)printf("ends in %" PRId64 " days", days);
	(void)printf("%s\n", cmd_colour_end(cmd, CMD_BAD));
}

static void
print_daemon(const struct cmd *cmd, const char *name, bool runs)
{
	enum cmd_colour colour = runs ? CMD_GOOD : CMD_BAD;

	(void)printf("%-9s %s%s%s\n", name, cmd_colour_begin(cmd, colour),
	    runs ? "running" : "not running", cmd_colour_end(cmd, colour));
}

static void
print_row(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d, int width)
{
	char oldest[CMD_AGE_SIZE] = "-", next[CMD_AGE_SIZE + 4];
	const char *word = d->paused ? "paused" : link_word(status, d);
	enum cmd_colour colour = CMD_GOOD;
	bool bad;
	int state;

	if (d->paused || strcmp(word, "up") != 0)
		colour = d->is_down ? CMD_BAD : CMD_WARN;
	(void)printf("%-*s  %s%-14s%s", width, d->destination.name,
	    cmd_colour_begin(cmd, colour), word, cmd_colour_end(cmd, colour));
	for (state = 0; state < QUEUE_STATES; state++) {
		bad = (state == QUEUE_FAILED || state == QUEUE_CORRUPT) &&
		      d->count[state] > 0;
		colour = bad ? CMD_BAD : CMD_PLAIN;
		(void)printf(" %s%8" PRIu64 "%s", cmd_colour_begin(cmd, colour),
		    d->count[state], cmd_colour_end(cmd, colour));
	}
	if (d->oldest_us != 0)
		cmd_age_format(status->now_us - d->oldest_us, oldest);
	format_next(status, next_of(d), next);
	(void)printf("  %8s  %8s\n", oldest, next);
}

/* Below the table: why a link is down, and why items failed. */
static void
print_note(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d)
{
	char age[CMD_AGE_SIZE], since[CLOCK_ISO_SIZE], word[16];
	size_t i;

	if (d->is_down) {
		(void)printf("\n%s: %sdown%s", d->destination.name,
		    cmd_colour_begin(cmd, CMD_BAD),
		    cmd_colour_end(cmd, CMD_BAD));
		if (d->down.since_us != 0) {
			cmd_age_format(status->now_us - d->down.since_us, age);
			clock_iso_format(d->down.since_us, since);
			(void)printf(" for %s (since %.19sZ), %u probes", age,
			    since, d->down.probes);
		}
		(void)printf(": ");
		cmd_put(stdout, d->down.reason);
	}
	if (d->received_60s + d->delivered_60s + d->failed_60s > 0)
		(void)printf("\n%s: in the last minute %" PRIu32
			     " came, %" PRIu32 " delivered, %" PRIu32 " failed",
		    d->destination.name, d->received_60s, d->delivered_60s,
		    d->failed_60s);
	if (d->paused) {
		cmd_age_format(status->now_us - d->paused_us, age);
		(void)printf("\n%s: paused by an operator for %s",
		    d->destination.name, age);
	}
	for (i = 0; i < d->kinds_n; i++) {
		format_status(d->kinds[i].status, word);
		(void)printf("\n%s: %" PRIu64 " failed with %s: %s",
		    d->destination.name, d->kinds[i].count, word,
		    cmd_status_words(d->kinds[i].status));
	}
	if (d->kinds_more > 0)
		(void)printf("\n%s: %" PRIu64 " more failed",
		    d->destination.name, d->kinds_more);
	if (d->is_down || d->paused || d->kinds_n > 0 ||
	    d->received_60s + d->delivered_60s + d->failed_60s > 0)
		(void)putchar('\n');
}

static void
print_rate(const struct status *status)
{
	uint64_t waiting = 0;
	char age[CMD_AGE_SIZE];
	size_t i;

	for (i = 0; i < status->n; i++)
		waiting += status_waiting(&status->destinations[i]);
	cmd_age_format(status->watched_us, age);
	(void)printf("\n%" PRIu64 " wait; over %s: %.1f/s %s", waiting, age,
	    status->drain_per_s < 0 ? -status->drain_per_s
				    : status->drain_per_s,
	    status->drain_per_s < 0 ? "more" : "less");
	if (status->drain_per_s > 0 && waiting > 0) {
		cmd_age_format(
		    (int64_t)((double)waiting / status->drain_per_s * 1e6),
		    age);
		(void)printf(", done in about %s", age);
	}
	(void)putchar('\n');
}

/* One line a thing; the first field says what it is. */
static void
print_lines(const struct status *status)
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
		print_destination(status, &status->destinations[i]);
}

static void
print_destination(
    const struct status *status, const struct status_destination *d)
{
	char word[16];
	size_t i;
	int state;

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
	(void)printf("minute\t%s\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\n",
	    d->destination.name, d->received_60s, d->delivered_60s,
	    d->failed_60s);
	for (i = 0; i < d->kinds_n; i++) {
		format_status(d->kinds[i].status, word);
		(void)printf("failed\t%s\t%s\t%" PRIu64 "\t%s\n",
		    d->destination.name, word, d->kinds[i].count,
		    cmd_status_words(d->kinds[i].status));
	}
}

static void
format_status(int status, char out[16])
{
	if (status == RESULT_NO_STATUS)
		(void)strcpy(out, "none");
	else
		(void)snprintf(out, 16, "0x%04X", (unsigned)status);
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
