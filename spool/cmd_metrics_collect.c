/*
 * Metrics, collected: the counters, and what status finds.
 *
 * Errors: as cmd_status.c; counters that cannot be read are an error. A
 * certificate that cannot be read has no sample.
 */
#include <stdlib.h>

#include "clock.h"
#include "cmd_metrics.h"
#include "cmd_status.h"
#include "counters.h"

#define US_PER_S 1e6

enum type {
	COUNTER,
	GAUGE,
	HISTOGRAM
};

struct metrics {
	const struct cmd *cmd;
	struct status status;
	struct counters_values *whole, *each; /* each: one a destination */
	json_t *families, *samples;
	const char *name;
};

static int read_all(struct metrics *m, struct err *err);
static void family(
    struct metrics *m, const char *name, enum type type, const char *help);
static void add(
    struct metrics *m, const char *name, json_t *labels, json_t *value);
static void put(struct metrics *m, json_t *labels, uint64_t value);
static void put_seconds(struct metrics *m, json_t *labels, double value);
static json_t *dest_label(const struct metrics *m, size_t i);
static void collect_counters(struct metrics *m);
static void collect_cell(struct metrics *m, const char *name, enum type type,
    enum counters_cell cell, const char *help);
static void collect_outcomes(struct metrics *m);
static void collect_acts(struct metrics *m);
static void collect_histograms(struct metrics *m);
static void put_histogram(struct metrics *m, const char *dest,
    const struct counters_values *values, enum counters_histogram which);
static void collect_queues(struct metrics *m);
static void collect_links(struct metrics *m);
static void collect_machine(struct metrics *m);
static void collect_certificates(struct metrics *m);

json_t *
metrics_collect(const struct cmd *cmd, struct err *err)
{
	struct metrics m = {.cmd = cmd};

	if (status_take(cmd, &m.status, err) == -1)
		return NULL;
	if (read_all(&m, err) == 0) {
		m.families = json_object();
		collect_counters(&m);
		collect_outcomes(&m);
		collect_acts(&m);
		collect_histograms(&m);
		collect_queues(&m);
		collect_links(&m);
		collect_machine(&m);
		collect_certificates(&m);
	}
	free(m.whole);
	free(m.each);
	status_free(&m.status);
	return m.families;
}

static int
read_all(struct metrics *m, struct err *err)
{
	int root_fd = m->cmd->spool.root_fd;
	int64_t now_us = clock_real_us();
	size_t i;

	m->whole = calloc(1, sizeof(*m->whole));
	m->each = calloc(m->status.n + 1, sizeof(*m->each));
	if (m->whole == NULL || m->each == NULL)
		return err_sys(err, "metrics");
	if (counters_read(root_fd, NULL, now_us, m->whole, err) == -1)
		return -1;
	for (i = 0; i < m->status.n; i++)
		if (counters_read(root_fd,
			m->status.destinations[i].destination.name, now_us,
			&m->each[i], err) == -1)
			return -1;
	return 0;
}

static void
family(struct metrics *m, const char *name, enum type type, const char *help)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	m->name = name;
	m->samples = json_array();
	(void)json_object_set_new(m->families, name,
	    json_pack("{ss, ss, so}", "Type", types[type], "Help", help,
		"Samples", m->samples));
}

static void
add(struct metrics *m, const char *name, json_t *labels, json_t *value)
{
	(void)json_array_append_new(m->samples,
	    json_pack("{ss, so, so}", "Name", name, "Labels",
		labels == NULL ? json_object() : labels, "Value", value));
}

static void
put(struct metrics *m, json_t *labels, uint64_t value)
{
	add(m, m->name, labels, json_integer((json_int_t)value));
}

static void
put_seconds(struct metrics *m, json_t *labels, double value)
{
	add(m, m->name, labels, json_real(value));
}

static json_t *
dest_label(const struct metrics *m, size_t i)
{
	return json_pack(
	    "{ss}", "destination", m->status.destinations[i].destination.name);
}

static void
collect_counters(struct metrics *m)
{
	const struct counters_values *w = m->whole;
	int k;

	family(m, "dcmspool_received_total", COUNTER,
	    "Instances that came whole from modalities.");
	put(m, NULL, w->cell[COUNTERS_RECEIVED]);
	family(m, "dcmspool_received_bytes_total", COUNTER,
	    "Bytes of their data sets.");
	put(m, NULL, w->cell[COUNTERS_RECEIVED_BYTES]);
	family(m, "dcmspool_broken_off_total", COUNTER,
	    "Instances whose association ended before they were whole.");
	put(m, NULL, w->cell[COUNTERS_BROKE_OFF]);
	family(m, "dcmspool_ledger_errors_total", COUNTER,
	    "Lines of the ledger that could not be written.");
	put(m, NULL, w->cell[COUNTERS_LEDGER_ERRORS]);
	family(m, "dcmspool_answered_total", COUNTER,
	    "C-STORE requests by the class of the status they were answered "
	    "with; none: the modality was gone.");
	for (k = 0; k < COUNTERS_CLASSES; k++)
		put(m,
		    json_pack("{ss}", "class",
			counters_class_name((enum counters_class)k)),
		    w->answered[k]);
	family(m, "dcmspool_associations_total", COUNTER,
	    "Connections of modalities by what came of them.");
	put(m, json_pack("{ss}", "result", "accepted"),
	    w->cell[COUNTERS_ACCEPTED]);
	put(m, json_pack("{ss}", "result", "rejected"),
	    w->cell[COUNTERS_REJECTED]);
	family(m, "dcmspool_associations", GAUGE,
	    "Associations of modalities now.");
	put(m, NULL, m->status.receiver_runs ? w->cell[COUNTERS_PROCESSES] : 0);
	collect_cell(m, "dcmspool_queued_total", COUNTER, COUNTERS_RECEIVED,
	    "Instances that were queued for the destination.");
	collect_cell(m, "dcmspool_queued_bytes_total", COUNTER,
	    COUNTERS_RECEIVED_BYTES, "Bytes of their data sets.");
	collect_cell(m, "dcmspool_sent_total", COUNTER, COUNTERS_SENT,
	    "Instances sent whole that the destination answered.");
	collect_cell(m, "dcmspool_sent_bytes_total", COUNTER,
	    COUNTERS_SENT_BYTES, "Bytes of their data sets.");
	collect_cell(m, "dcmspool_link_downs_total", COUNTER,
	    COUNTERS_LINK_DOWNS, "Times that the link went down.");
	collect_cell(m, "dcmspool_lane_deaths_total", COUNTER,
	    COUNTERS_LANE_DEATHS, "Processes of lanes that died.");
	collect_cell(m, "dcmspool_lanes", GAUGE, COUNTERS_PROCESSES,
	    "Lanes to the destination now.");
}

static void
collect_cell(struct metrics *m, const char *name, enum type type,
    enum counters_cell cell, const char *help)
{
	bool none = cell == COUNTERS_PROCESSES && !m->status.sender_runs;
	size_t i;

	family(m, name, type, help);
	for (i = 0; i < m->status.n; i++)
		put(m, dest_label(m, i), none ? 0 : m->each[i].cell[cell]);
}

static void
collect_outcomes(struct metrics *m)
{
	json_t *labels;
	size_t i;
	int o, k;

	family(m, "dcmspool_outcomes_total", COUNTER,
	    "What became of tries to deliver, by class of status; none: there "
	    "was no status.");
	for (i = 0; i < m->status.n; i++)
		for (o = 0; o < COUNTERS_OUTCOMES; o++)
			for (k = 0; k < COUNTERS_CLASSES; k++) {
				labels = dest_label(m, i);
				(void)json_object_set_new(labels, "outcome",
				    json_string(counters_outcome_name(
					(enum counters_outcome)o)));
				(void)json_object_set_new(labels, "class",
				    json_string(counters_class_name(
					(enum counters_class)k)));
				put(m, labels, m->each[i].outcome[o][k]);
			}
}

static void
collect_acts(struct metrics *m)
{
	json_t *labels;
	size_t i;
	int a;

	family(m, "dcmspool_operator_acts_total", COUNTER,
	    "What operators did with dcmspool, items or destinations.");
	for (i = 0; i < m->status.n; i++)
		for (a = 0; a < COUNTERS_ACTS; a++) {
			labels = dest_label(m, i);
			(void)json_object_set_new(labels, "action",
			    json_string(
				counters_act_name((enum counters_act)a)));
			put(m, labels, m->each[i].act[a]);
		}
}

static void
collect_histograms(struct metrics *m)
{
	size_t i;

	family(m, "dcmspool_wait_seconds", HISTOGRAM,
	    "How long modalities waited for the answer, from the last byte.");
	put_histogram(m, NULL, m->whole, COUNTERS_ANSWER_TIME);
	family(m, "dcmspool_in_spool_seconds", HISTOGRAM,
	    "From arrival to delivery, or to failed/.");
	for (i = 0; i < m->status.n; i++)
		put_histogram(m, m->status.destinations[i].destination.name,
		    &m->each[i], COUNTERS_IN_SPOOL);
	family(m, "dcmspool_destination_answer_seconds", HISTOGRAM,
	    "The destination's time from the last byte to its answer.");
	for (i = 0; i < m->status.n; i++)
		put_histogram(m, m->status.destinations[i].destination.name,
		    &m->each[i], COUNTERS_ANSWER_TIME);
}

/* Cumulated, as Prometheus has them. */
static void
put_histogram(struct metrics *m, const char *dest,
    const struct counters_values *values, enum counters_histogram which)
{
	char name[80], le[32] = "+Inf";
	uint64_t sum = 0;
	json_t *labels;
	int k;

	for (k = 0; k <= COUNTERS_BOUNDS; k++) {
		sum += values->histogram[which].bucket[k];
		if (k < COUNTERS_BOUNDS)
			(void)snprintf(le, sizeof(le), "%.15g",
			    (double)counters_bounds_us[k] / US_PER_S);
		else
			(void)snprintf(le, sizeof(le), "+Inf");
		labels = json_object();
		if (dest != NULL)
			(void)json_object_set_new(
			    labels, "destination", json_string(dest));
		(void)json_object_set_new(labels, "le", json_string(le));
		(void)snprintf(name, sizeof(name), "%s_bucket", m->name);
		add(m, name, labels, json_integer((json_int_t)sum));
	}
	labels = dest == NULL ? json_object()
			      : json_pack("{ss}", "destination", dest);
	(void)snprintf(name, sizeof(name), "%s_sum", m->name);
	add(m, name, labels,
	    json_real((double)values->histogram[which].sum_us / US_PER_S));
	(void)snprintf(name, sizeof(name), "%s_count", m->name);
	add(m, name, json_deep_copy(labels), json_integer((json_int_t)sum));
}

static void
collect_queues(struct metrics *m)
{
	const struct status_destination *d;
	json_t *labels;
	size_t i;
	int s;

	family(m, "dcmspool_queue_items", GAUGE,
	    "Items by the folder that they are in.");
	for (i = 0; i < m->status.n; i++)
		for (s = 0; s < QUEUE_STATES; s++) {
			labels = dest_label(m, i);
			(void)json_object_set_new(labels, "state",
			    json_string(queue_state_name((enum queue_state)s)));
			put(m, labels, m->status.destinations[i].count[s]);
		}
	family(m, "dcmspool_oldest_seconds", GAUGE,
	    "Age of the oldest item that waits; 0: none does.");
	for (i = 0; i < m->status.n; i++) {
		d = &m->status.destinations[i];
		put_seconds(m, dest_label(m, i),
		    d->oldest_us == 0
			? 0
			: (double)(m->status.now_us - d->oldest_us) / US_PER_S);
	}
}

static void
collect_links(struct metrics *m)
{
	const struct status_destination *d;
	size_t i;

	family(m, "dcmspool_link_up", GAUGE,
	    "1: the link is up, or has not been tried; 0: it is down.");
	for (i = 0; i < m->status.n; i++) {
		d = &m->status.destinations[i];
		put(m, dest_label(m, i),
		    !d->is_down && d->destination.configured);
	}
	family(
	    m, "dcmspool_paused", GAUGE, "1: the operator wants no delivery.");
	for (i = 0; i < m->status.n; i++)
		put(m, dest_label(m, i), m->status.destinations[i].paused);
}

static void
collect_machine(struct metrics *m)
{
	const struct status *s = &m->status;

	family(m, "dcmspool_up", GAUGE, "1: this daemon runs on the spool.");
	put(m, json_pack("{ss}", "daemon", "receiver"), s->receiver_runs);
	put(m, json_pack("{ss}", "daemon", "sender"), s->sender_runs);
	family(m, "dcmspool_disk_free_bytes", GAUGE,
	    "Free on the spool's file system.");
	put(m, NULL, (uint64_t)s->free_bytes);
	family(m, "dcmspool_disk_free_bytes_limit", GAUGE,
	    "MinFreeBytes: below, nothing new is accepted.");
	put(m, NULL, (uint64_t)m->cmd->conf->min_free_bytes);
	family(m, "dcmspool_disk_free_inodes", GAUGE, "Free inodes there.");
	put(m, NULL, (uint64_t)s->free_inodes);
	family(m, "dcmspool_disk_free_inodes_limit", GAUGE,
	    "MinFreeInodes: below, nothing new is accepted.");
	put(m, NULL, (uint64_t)m->cmd->conf->min_free_inodes);
	family(m, "dcmspool_attention", GAUGE,
	    "1: what dcmspool status -q would say needs attention.");
	put(m, NULL, !s->well);
}

static void
collect_certificates(struct metrics *m)
{
	const struct status_certificate *c;
	size_t i;

	family(m, "dcmspool_certificate_end_seconds", GAUGE,
	    "When our own certificate ends, seconds since 1970.");
	for (i = 0; i < m->status.certificates_n; i++) {
		c = &m->status.certificates[i];
		if (c->end_s != 0)
			put(m, json_pack("{ss}", "whose", c->whose),
			    (uint64_t)c->end_s);
	}
}
