/*
 * dcmspool status on a terminal: daemons and disk, a row for each destination,
 * and below them what needs words. It fits into 80 columns.
 *
 * Errors: none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "cmd_status.h"

#define US_PER_S    1000000
#define MIB	    (1024.0 * 1024.0)
#define NAME_WIDTH  11 /* "DESTINATION" */
#define ROW_WIDTH   79 /* with a name of that width */
#define NOTE_INDENT 4
#define NOTE_SIZE   (LINK_REASON_SIZE + 256)

static void print_head(const struct cmd *cmd, const struct status *status);
static void print_certificate(
    const struct cmd *cmd, const struct status *status, size_t i);
static void print_daemon(const struct cmd *cmd, const char *name, bool runs,
    const char *consequence);
static int name_width(const struct status *status);
static void print_row(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d, int width);
static enum cmd_colour format_link(const struct status *status,
    const struct status_destination *d, char out[CMD_AGE_SIZE + 8]);
static void print_count(
    const struct cmd *cmd, uint64_t n, int width, enum cmd_colour colour);
static void format_minute(const struct status_destination *d, char out[24]);
static void format_next(
    const struct status *status, int64_t next_us, char out[CMD_AGE_SIZE]);
static void print_notes(
    const struct status *status, const struct status_destination *d, bool *any);
static void print_failed(const struct status_destination *d, bool *any);
static void note(
    const struct status_destination *d, bool *any, const char *text);
static void print_rate(const struct status *status);

void
status_print_table(const struct cmd *cmd, const struct status *status)
{
	int width = name_width(status);
	bool any = false;
	size_t i;

	print_head(cmd, status);
	(void)printf("\n%-*s %-10s %7s %8s %6s %6s %6s %11s %6s\n", width,
	    "DESTINATION", "LINK", "WAITING", "DEFERRED", "HELD", "FAILED",
	    "OLDEST", "LAST MINUTE", "NEXT");
	for (i = 0; i < status->n; i++)
		print_row(cmd, status, &status->destinations[i], width);
	for (i = 0; i < status->n; i++)
		print_notes(status, &status->destinations[i], &any);
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
	(void)printf("\ndisk      %s%d %% full%s, %.1f %s free%s\n",
	    cmd_colour_begin(cmd, disk), status->used_percent,
	    cmd_colour_end(cmd, disk), small ? free_mib : free_mib / 1024,
	    small ? "MiB" : "GiB",
	    too_little ? ": too little, new work is refused" : "");
	print_daemon(
	    cmd, "receiver", status->receiver_runs, "nothing is taken");
	print_daemon(
	    cmd, "sender", status->sender_runs, "nothing is delivered");
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
print_daemon(
    const struct cmd *cmd, const char *name, bool runs, const char *consequence)
{
	enum cmd_colour colour = runs ? CMD_GOOD : CMD_BAD;

	(void)printf("%-9s %s%s%s%s%s\n", name, cmd_colour_begin(cmd, colour),
	    runs ? "running" : "not running", cmd_colour_end(cmd, colour),
	    runs ? "" : ": ", runs ? "" : consequence);
}

/* Of the column of names: as wide as the terminal lets it be. */
static int
name_width(const struct status *status)
{
	int room = NAME_WIDTH + (int)cmd_columns() - ROW_WIDTH, size;
	int width = NAME_WIDTH;
	size_t i;

	for (i = 0; i < status->n; i++) {
		size = (int)strlen(status->destinations[i].destination.name);
		if (size > width && size <= room)
			width = size;
	}
	return width;
}

/* A name that is too long has a line of its own. */
static void
print_row(const struct cmd *cmd, const struct status *status,
    const struct status_destination *d, int width)
{
	const char *name = d->destination.name;
	char link[CMD_AGE_SIZE + 8], oldest[CMD_AGE_SIZE] = "-";
	char next[CMD_AGE_SIZE], minute[24];
	enum cmd_colour colour = format_link(status, d, link);

	if ((int)strlen(name) > width) {
		(void)printf("%s\n", name);
		name = "";
	}
	if (d->oldest_us != 0)
		cmd_age_format(status->now_us - d->oldest_us, oldest);
	format_next(status, status_next_us(d), next);
	format_minute(d, minute);
	(void)printf("%-*s %s%-10s%s", width, name,
	    cmd_colour_begin(cmd, colour), link, cmd_colour_end(cmd, colour));
	print_count(
	    cmd, d->count[QUEUE_NEW] + d->count[QUEUE_ACTIVE], 7, CMD_PLAIN);
	print_count(cmd, d->count[QUEUE_DEFERRED], 8, CMD_PLAIN);
	print_count(cmd, d->count[QUEUE_HOLD], 6, CMD_PLAIN);
	print_count(cmd, d->count[QUEUE_FAILED], 6, CMD_BAD);
	(void)printf(" %6s %11s %6s\n", oldest, minute, next);
}

/* "down 3h12m"; what the operator has stopped goes before what works. */
static enum cmd_colour
format_link(const struct status *status, const struct status_destination *d,
    char out[CMD_AGE_SIZE + 8])
{
	int64_t since_us = status_link_since_us(status, d);
	const char *word = status_link_word(status, d);
	char age[CMD_AGE_SIZE] = "";

	if (!d->destination.configured) {
		(void)strcpy(out, "no config");
		return CMD_WARN;
	}
	if (d->paused && !d->is_down) {
		word = "paused";
		since_us = d->paused_us;
	}
	if (since_us != 0)
		cmd_age_format(status->now_us - since_us, age);
	(void)snprintf(out, CMD_AGE_SIZE + 8, "%s%s%s", word,
	    age[0] == '\0' ? "" : " ", age);
	if (d->is_down)
		return CMD_BAD;
	return strcmp(word, "up") == 0 ? CMD_GOOD : CMD_WARN;
}

static void
print_count(
    const struct cmd *cmd, uint64_t n, int width, enum cmd_colour colour)
{
	if (n == 0)
		colour = CMD_PLAIN;
	(void)printf(" %s%*" PRIu64 "%s", cmd_colour_begin(cmd, colour), width,
	    n, cmd_colour_end(cmd, colour));
}

/* What came, and what was delivered. */
static void
format_minute(const struct status_destination *d, char out[24])
{
	if (d->received_60s + d->delivered_60s == 0)
		(void)strcpy(out, "-");
	else
		(void)snprintf(out, 24, "+%" PRIu32 " -%" PRIu32,
		    d->received_60s, d->delivered_60s);
}

static void
format_next(
    const struct status *status, int64_t next_us, char out[CMD_AGE_SIZE])
{
	if (next_us == 0)
		(void)strcpy(out, "-");
	else if (next_us < status->now_us + US_PER_S)
		(void)strcpy(out, "now");
	else
		cmd_age_format(next_us - status->now_us, out);
}

static void
print_notes(
    const struct status *status, const struct status_destination *d, bool *any)
{
	char age[CMD_AGE_SIZE], iso[CLOCK_ISO_SIZE], text[NOTE_SIZE];

	if (!d->destination.configured && status_waiting(d) > 0)
		note(d, any,
		    "not in the configuration: its items wait until it is, or "
		    "until they are moved");
	else if (d->is_down && d->down.since_us != 0) {
		clock_iso_format(d->down.since_us, iso);
		(void)snprintf(text, sizeof(text),
		    "down since %.19sZ, %u probe%s: %s", iso, d->down.probes,
		    d->down.probes == 1 ? "" : "s", d->down.reason);
		note(d, any, text);
	} else if (d->is_down)
		note(d, any, d->down.reason);
	if (d->paused) {
		cmd_age_format(status->now_us - d->paused_us, age);
		(void)snprintf(text, sizeof(text),
		    "paused by an operator %s ago; on again: "
		    "dcmspool\tresume\t%s",
		    age, d->destination.name);
		note(d, any, text);
	}
	print_failed(d, any);
	if (d->count[QUEUE_CORRUPT] > 0) {
		(void)snprintf(text, sizeof(text),
		    "%" PRIu64 " set aside as not whole: "
		    "dcmspool\tlist\t-l\t%s/corrupt",
		    d->count[QUEUE_CORRUPT], d->destination.name);
		note(d, any, text);
	}
}

/* How many with which status, what it means, and how to see more of it. */
static void
print_failed(const struct status_destination *d, bool *any)
{
	char text[NOTE_SIZE], word[CMD_STATUS_SIZE], part[NAME_FILE_SIZE];
	struct item_name name;
	size_t i;

	for (i = 0; i < d->kinds_n; i++) {
		cmd_status_format(d->kinds[i].status, word);
		/* Its stamp says which one it is. */
		(void)strcpy(part, d->kinds[i].example);
		if (name_parse(part, &name))
			part[strcspn(part, "-")] = '\0';
		(void)snprintf(text, sizeof(text),
		    "%" PRIu64 " failed with %s: %s; more: "
		    "dcmspool\tshow\t%s/failed/%.*s",
		    d->kinds[i].count, word,
		    cmd_status_words(d->kinds[i].status), d->destination.name,
		    NAME_UID_SIZE, part);
		note(d, any, text);
	}
	if (d->kinds_more == 0)
		return;
	(void)snprintf(text, sizeof(text),
	    "%" PRIu64 " more failed: dcmspool\tlist\t-l\t%s/failed",
	    d->kinds_more, d->destination.name);
	note(d, any, text);
}

static void
note(const struct status_destination *d, bool *any, const char *text)
{
	if (!*any)
		(void)putchar('\n');
	*any = true;
	(void)printf("%s: ", d->destination.name);
	cmd_put_wrapped(strlen(d->destination.name) + 2, NOTE_INDENT, text);
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
