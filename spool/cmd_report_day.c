/*
 * dcmspool report: the last day, as the daemons have counted it. Where they
 * have not, an item's name says when it came, and a log line when it was
 * delivered; a log alone says which took longest.
 *
 * Errors: as fs.c and cmd_trace_read.c. Counters that cannot be read count as
 * none.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd_report.h"
#include "cmd_filter.h"
#include "cmd_trace.h"
#include "counters.h"
#include "result.h"

#define US_PER_S 1000000.0

static void take_minutes(const struct report *report,
    struct report_series *series, const struct counters_values *values);
static int take_item(void *context, const struct cmd_item *item);
static int take_line(void *context, const struct trace_line *line);
static struct report_series *find(struct report *report, const char *dest);
static int bucket_of(const struct report *report, int64_t real_us);
static void count(const struct report *report, int64_t series[REPORT_BUCKETS],
    int64_t real_us);
static void waited(const struct report *report, struct report_series *series,
    int64_t from_us, int64_t to_us);
static void add_top(struct report_top *top, const char *dest, const char *label,
    const char *state, int64_t value);
static json_t *numbers(const int64_t series[REPORT_BUCKETS]);
static json_t *series_json(const struct report_series *series);
static json_t *top_json(
    const struct report_top *top, const char *name, double unit);

int
report_take_counters(struct report *report)
{
	struct counters_values *values;
	struct err err;
	size_t i;

	values = malloc(sizeof(*values));
	if (values == NULL)
		return err_sys(report->err, "get memory for the report");
	for (i = 0; i < report->series_n; i++)
		if (counters_read(report->cmd->spool.root_fd,
			report->series[i].dest, report->now_us, values,
			&err) == 1)
			take_minutes(report, &report->series[i], values);
	free(values);
	return 0;
}

int
report_take_items(struct report *report)
{
	const struct cmd_filter all = {.given = false};

	return cmd_filter_scan(report->cmd, &all,
	    CMD_STATES_ALL & ~CMD_STATE_BIT(QUEUE_SENT), take_item, report,
	    report->err);
}

int
report_take_log(struct report *report, const char *file)
{
	report->logs++;
	return trace_read(file, take_line, report, report->err);
}

json_t *
report_day_json(const struct report *report)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < report->series_n; i++)
		(void)json_array_append_new(
		    list, series_json(&report->series[i]));
	return json_pack("{so, si, so, so, so}", "Begin",
	    cmd_json_time(report->begin_us), "BucketSeconds", REPORT_BUCKET_S,
	    "Destinations", list, "Slowest",
	    top_json(&report->slowest, "Seconds", US_PER_S), "Largest",
	    top_json(&report->largest, "Bytes", 1));
}

/* While no sender looked, what waits is what waited when it last did. */
static void
take_minutes(const struct report *report, struct report_series *series,
    const struct counters_values *values)
{
	const struct counters_minute *minute;
	int64_t waited_n = 0;
	size_t i;
	int at;

	series->counted = true;
	for (i = 0; i < COUNTERS_MINUTES; i++) {
		minute = &values->minutes[i];
		/* The first is cut by the beginning of the day. */
		at = bucket_of(report, (minute->minute + 1) * 60000000 - 1);
		if (at < 0)
			continue;
		if (at >= REPORT_BUCKETS)
			at = REPORT_BUCKETS - 1;
		series->arrived[at] += minute->received;
		series->delivered[at] += minute->delivered;
		series->failed[at] += minute->failed;
		if (!minute->queue_known)
			continue;
		series->wait[at] += (int64_t)minute->queue - waited_n;
		waited_n = minute->queue;
	}
}

static int
take_item(void *context, const struct cmd_item *item)
{
	struct report *report = context;
	struct report_series *series = find(report, item->dest);
	const char *state = queue_state_name(item->state);
	int64_t arrived_us, bytes, until_us = report->now_us;
	char label[LABEL_SIZE];
	struct result result;
	int there;

	there =
	    cmd_arrival(report->cmd, item, &arrived_us, &bytes, report->err);
	if (there != 1 || series == NULL)
		return there == -1 ? -1 : 0;
	if (!series->counted)
		count(report, series->arrived, arrived_us);
	label_item(report->cmd->spool.root_fd, item->dest, item->state,
	    item->file, label);
	add_top(&report->largest, item->dest, label, state, bytes);
	if (item->state == QUEUE_HOLD || item->state == QUEUE_CORRUPT)
		return 0;
	if (item->state == QUEUE_FAILED) {
		until_us = arrived_us;
		if (result_read_record(report->cmd->spool.root_fd, item->dest,
			item->file, &result, NULL) == 1 &&
		    result.last_us > arrived_us)
			until_us = result.last_us;
	} else {
		add_top(&report->slowest, item->dest, label, state,
		    report->now_us - arrived_us);
	}
	if (!series->counted)
		waited(report, series, arrived_us,
		    item->state == QUEUE_FAILED ? until_us : INT64_MAX);
	return 0;
}

static int
take_line(void *context, const struct trace_line *line)
{
	struct report *report = context;
	struct report_series *series;
	char event[32], dest[NAME_DEST_SIZE], file[NAME_FILE_SIZE];
	struct item_name name;
	bool delivered;

	if (line->real_us < report->begin_us ||
	    line->real_us > report->now_us ||
	    !trace_event(line->text, event, sizeof(event)))
		return 0;
	delivered = strcmp(event, "delivered") == 0;
	if ((!delivered && strcmp(event, "failed") != 0) ||
	    !trace_value(line->text, "destination", dest, sizeof(dest)) ||
	    !trace_value(line->text, "item", file, sizeof(file)) ||
	    !name_parse(file, &name) || (series = find(report, dest)) == NULL)
		return 0;
	if (!series->counted) {
		count(report, delivered ? series->delivered : series->failed,
		    line->real_us);
		if (delivered) {
			count(report, series->arrived, name.stamp_us);
			waited(report, series, name.stamp_us, line->real_us);
		}
	}
	if (!delivered)
		return 0;
	add_top(
	    &report->slowest, dest, file, event, line->real_us - name.stamp_us);
	return 0;
}

static struct report_series *
find(struct report *report, const char *dest)
{
	size_t i;

	for (i = 0; i < report->series_n; i++)
		if (strcmp(report->series[i].dest, dest) == 0)
			return &report->series[i];
	return NULL;
}

/* -1 before the day, REPORT_BUCKETS after it. */
static int
bucket_of(const struct report *report, int64_t real_us)
{
	int64_t at;

	if (real_us < report->begin_us)
		return -1;
	at =
	    (real_us - report->begin_us) / ((int64_t)REPORT_BUCKET_S * 1000000);
	return at < REPORT_BUCKETS ? (int)at : REPORT_BUCKETS;
}

static void
count(const struct report *report, int64_t series[REPORT_BUCKETS],
    int64_t real_us)
{
	int at = bucket_of(report, real_us);

	if (at == REPORT_BUCKETS && real_us <= report->now_us)
		at--;
	if (at >= 0 && at < REPORT_BUCKETS)
		series[at]++;
}

static void
waited(const struct report *report, struct report_series *series,
    int64_t from_us, int64_t to_us)
{
	int from = bucket_of(report, from_us), to = bucket_of(report, to_us);

	if (to < 0)
		return;
	if (from < 0)
		series->wait_before++;
	else if (from < REPORT_BUCKETS)
		series->wait[from]++;
	if (to < REPORT_BUCKETS)
		series->wait[to]--;
}

static void
add_top(struct report_top *top, const char *dest, const char *label,
    const char *state, int64_t value)
{
	struct report_entry *entry;
	size_t at = top->n;

	while (at > 0 && top->entry[at - 1].value < value)
		at--;
	if (at == REPORT_TOP)
		return;
	if (top->n < REPORT_TOP)
		top->n++;
	(void)memmove(&top->entry[at + 1], &top->entry[at],
	    (top->n - at - 1) * sizeof(top->entry[0]));
	entry = &top->entry[at];
	(void)snprintf(entry->dest, sizeof(entry->dest), "%s", dest);
	(void)snprintf(entry->label, sizeof(entry->label), "%s", label);
	entry->state = strcmp(state, "delivered") == 0 ? "delivered" : state;
	entry->value = value;
}

static json_t *
numbers(const int64_t series[REPORT_BUCKETS])
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < REPORT_BUCKETS; i++)
		(void)json_array_append_new(
		    list, json_integer((json_int_t)series[i]));
	return list;
}

/* Waiting: how many did at the end of each bucket. */
static json_t *
series_json(const struct report_series *series)
{
	int64_t waiting[REPORT_BUCKETS], n = series->wait_before;
	size_t i;

	for (i = 0; i < REPORT_BUCKETS; i++) {
		n += series->wait[i];
		waiting[i] = n;
	}
	waiting[REPORT_BUCKETS - 1] = series->wait_now;
	return json_pack("{ss, sb, so, so, so, so}", "Name", series->dest,
	    "Counted", series->counted, "Waiting", numbers(waiting), "Arrived",
	    numbers(series->arrived), "Delivered", numbers(series->delivered),
	    "Failed", numbers(series->failed));
}

static json_t *
top_json(const struct report_top *top, const char *name, double unit)
{
	json_t *list = json_array();
	const struct report_entry *entry;
	size_t i;

	for (i = 0; i < top->n; i++) {
		entry = &top->entry[i];
		(void)json_array_append_new(list,
		    json_pack("{ss, ss, so, so}", "Destination", entry->dest,
			"State", entry->state, "Item",
			cmd_json_text(entry->label), name,
			unit > 1 ? json_real((double)entry->value / unit)
				 : json_integer((json_int_t)entry->value)));
	}
	return list;
}
