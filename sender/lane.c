/*
 * The lane process: jobs from its parent, one at a time, and an association
 * that is kept for IdleTimeout.
 *
 * Errors: each job's outcome goes to the parent; a lane that cannot go on
 * ends, and the parent sees that.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/label.h"
#include "connector.h"
#include "deliver.h"

#define MS_PER_S 1000

struct lane {
	struct connection connection;
	struct deliver deliver;
	int socket_fd;
	int folder_fd; /* the destination's, as it was at the start: -1 if it
			  was gone */
};

static_assert(sizeof(struct connector_reply) != sizeof(struct lane_job),
    "told apart by their sizes");

static int wait_for_job(struct lane *lane, struct lane_job *job);
static int idle_left_ms(const struct lane *lane, int64_t idle_since_ms);
static void do_job(
    struct lane *lane, const struct lane_job *job, struct lane_report *report);
static void do_deliver(
    struct lane *lane, const struct lane_job *job, struct lane_report *report);
static void do_probe(struct lane *lane, struct lane_report *report);
static void do_inspect(
    struct lane *lane, const struct lane_job *job, struct lane_report *report);
static void do_compare(
    struct lane *lane, const struct lane_job *job, struct lane_report *report);
static int keep(struct lane *lane, enum queue_state state,
    const struct item_reader *reader, struct err *err);
static bool open_item(struct lane *lane, enum queue_state state,
    const char *file, struct item_reader *reader, struct lane_report *report);
static bool is_stale(const struct lane *lane);
static void report_item(
    struct lane_report *report, const struct item_reader *reader);
static void report_reason(struct lane_report *report, const struct err *err);

int
lane_main(const struct spool *spool, const struct conf_destination *conf,
    struct tls *tls, struct lane_shared *shared, int socket_fd)
{
	struct lane lane = {.socket_fd = socket_fd};
	struct lane_report report;
	char path[PATH_SIZE];
	struct lane_job job;
	struct err err;
	int rc = EX_OSERR;

	lane.connection = (struct connection){
	    .spool = spool, .conf = conf, .tls = tls, .lane_fd = socket_fd};
	lane.deliver =
	    (struct deliver){.connection = &lane.connection, .shared = shared};
	path_destination(path, conf->name);
	lane.folder_fd =
	    fs_open(spool->root_fd, path, O_PATH | O_DIRECTORY, NULL);
	lane.deliver.block = malloc(DELIVER_BLOCK_BYTES);
	lane.deliver.digest = item_digest_create(&err);
	if (lane.deliver.block == NULL || lane.deliver.digest == NULL)
		goto out;
	while (wait_for_job(&lane, &job) == 1) {
		report = (struct lane_report){.kind = job.kind};
		do_job(&lane, &job, &report);
		if (send(socket_fd, &report, sizeof(report), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(report))
			goto out;
		if (report.outcome == LANE_STALE)
			break;
		/* The next is to be expected from there, too. */
		if (report.marked)
			marker_prepare(
			    &lane.deliver.marker, spool, report.association);
	}
	connection_release(&lane.connection);
	rc = EX_OK;
out:
	marker_cancel(&lane.deliver.marker);
	connection_abort(&lane.connection);
	(void)fs_close(&lane.folder_fd, path, NULL);
	item_digest_free(lane.deliver.digest);
	free(lane.deliver.block);
	return rc;
}

/* 1 and *job; 0 when the parent wants an end, or has ended. */
static int
wait_for_job(struct lane *lane, struct lane_job *job)
{
	struct connection *c = &lane->connection;
	int64_t idle_since_ms = clock_mono_ms();
	struct pollfd fds[2] = {
	    {.fd = lane->socket_fd, .events = POLLIN}, {.events = POLLIN}};
	ssize_t got;

	for (;;) {
		if (c->assoc != NULL && assoc_buffered(c->assoc)) {
			connection_serve_idle(c);
			continue;
		}
		fds[1].fd = c->assoc == NULL ? -1 : assoc_fd(c->assoc);
		if (c->assoc != NULL)
			assoc_poll_any(c->assoc, true);
		if (poll(fds, 2, idle_left_ms(lane, idle_since_ms)) == -1 &&
		    errno != EINTR)
			return 0;
		if (fds[0].revents != 0) {
			got =
			    recv(lane->socket_fd, job, sizeof(*job), MSG_TRUNC);
			if (got == (ssize_t)sizeof(struct connector_reply))
				continue; /* it came too late */
			return got == (ssize_t)sizeof(*job);
		}
		if (fds[1].fd != -1 && fds[1].revents != 0)
			connection_serve_idle(c);
		else if (idle_left_ms(lane, idle_since_ms) == 0)
			connection_release(c);
	}
}

static int
idle_left_ms(const struct lane *lane, int64_t idle_since_ms)
{
	int64_t left;

	if (lane->connection.assoc == NULL)
		return -1;
	left = idle_since_ms +
	       (int64_t)lane->connection.conf->idle_timeout_s * MS_PER_S -
	       clock_mono_ms();
	return left < 0 ? 0 : (int)left;
}

static void
do_job(
    struct lane *lane, const struct lane_job *job, struct lane_report *report)
{
	switch (job->kind) {
	case LANE_DELIVER:
		do_deliver(lane, job, report);
		break;
	case LANE_PROBE:
		do_probe(lane, report);
		break;
	case LANE_INSPECT:
		do_inspect(lane, job, report);
		break;
	case LANE_COMPARE:
		do_compare(lane, job, report);
		break;
	}
}

static void
do_deliver(
    struct lane *lane, const struct lane_job *job, struct lane_report *report)
{
	struct item_reader reader;

	if (!open_item(lane, job->state, job->file, &reader, report))
		return;
	report_item(report, &reader);
	deliver_item(&lane->deliver, job, &reader, report);
	item_reader_close(&reader);
}

static void
do_probe(struct lane *lane, struct lane_report *report)
{
	struct err err = {.class = ERR_NONE};

	report->outcome = connection_probe(
	    &lane->connection, deliver_next_message_id(&lane->deliver), &err);
	report_reason(report, &err);
}

static void
do_inspect(
    struct lane *lane, const struct lane_job *job, struct lane_report *report)
{
	struct item_reader reader;

	if (!open_item(lane, job->state, job->file, &reader, report))
		return;
	report_item(report, &reader);
	report->outcome = LANE_OK;
	item_reader_close(&reader);
}

static void
do_compare(
    struct lane *lane, const struct lane_job *job, struct lane_report *report)
{
	struct item_reader reader, other;
	struct err err = {.class = ERR_NONE};

	if (!open_item(lane, job->state, job->file, &reader, report))
		return;
	report->about_other = true;
	if (open_item(lane, job->other_state, job->other, &other, report)) {
		report_item(report, &other);
		switch (item_reader_equal(&reader, &other, &err)) {
		case 1:
			report->outcome = LANE_OK;
			if (job->keep &&
			    (keep(lane, job->state, &reader, &err) == -1 ||
				keep(lane, job->other_state, &other, &err) ==
				    -1)) {
				report->outcome = LANE_LOCAL_ERROR;
				report_reason(report, &err);
			}
			break;
		case 0:
			report->outcome = LANE_DIFFERENT;
			break;
		default:
			report->outcome = LANE_LOCAL_ERROR;
			report_reason(report, &err);
			break;
		}
		item_reader_close(&other);
	}
	item_reader_close(&reader);
}

/* The one that goes may be all that an answer rests on. */
static int
keep(struct lane *lane, enum queue_state state,
    const struct item_reader *reader, struct err *err)
{
	char path[PATH_SIZE];

	path_state(path, lane->connection.conf->name, state);
	if (fs_sync_fd(reader->fd, "an item", err) == -1)
		return -1;
	return fs_sync_dir(lane->connection.spool->root_fd, path, err);
}

/* false: the report says why not. */
static bool
open_item(struct lane *lane, enum queue_state state, const char *file,
    struct item_reader *reader, struct lane_report *report)
{
	struct err err = {.class = ERR_NONE};
	char path[PATH_SIZE], label[LABEL_SIZE];

	path_item(path, lane->connection.conf->name, state, file);
	if (item_reader_open(lane->connection.spool, path, reader, &err) == 0)
		return true;
	if (err.sys == ENOENT)
		report->outcome = LANE_GONE;
	else if (err.sys == EBUSY)
		report->outcome = LANE_UNFINISHED;
	else if (err.class == ERR_CORRUPT)
		report->outcome = LANE_CORRUPT;
	else if (err.sys == EACCES && is_stale(lane))
		report->outcome = LANE_STALE;
	else
		report->outcome = LANE_LOCAL_ERROR;
	label_path(lane->connection.spool->root_fd, path, file, label);
	label_text(err.text, sizeof(err.text), file, label);
	report_reason(report, &err);
	return false;
}

/* Somebody removed the folder, or moved it away, and made another. */
static bool
is_stale(const struct lane *lane)
{
	char path[PATH_SIZE];
	struct stat then, now;

	path_destination(path, lane->connection.conf->name);
	return lane->folder_fd == -1 ||
	       (fs_stat_fd(lane->folder_fd, path, &then, NULL) == 0 &&
		   fs_stat(lane->connection.spool->root_fd, path, &now, NULL) ==
		       1 &&
		   (then.st_dev != now.st_dev || then.st_ino != now.st_ino));
}

static void
report_item(struct lane_report *report, const struct item_reader *reader)
{
	const struct part10 *part10 = &reader->part10;

	report->has_envelope = part10->has_envelope;
	report->data_set_bytes = reader->data_set_bytes;
	(void)strcpy(report->sop_instance, part10->sop_instance);
	if (part10->has_envelope)
		(void)strcpy(report->association, part10->envelope.association);
}

static void
report_reason(struct lane_report *report, const struct err *err)
{
	(void)snprintf(report->reason, sizeof(report->reason), "%.*s",
	    (int)sizeof(report->reason) - 1, err->text);
}
