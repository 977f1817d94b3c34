/*
 * The receiver's parent.
 *
 * Errors: those of listening and of the event loop end it; a connection that
 * cannot be served is closed, and a configuration that has an error is not
 * taken, and both are logged.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/certificate.h"
#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/image.h"
#include "../spool/log.h"
#include "../spool/loop.h"
#include "../spool/process.h"
#include "../spool/tls_dcmtk.h"
#include "admission.h"
#include "cell.h"
#include "children.h"
#include "links.h"
#include "meter.h"
#include "ports.h"
#include "prepare.h"
#include "recover.h"
#include "server.h"

#define EXPIRY_CHECK_MS ((int64_t)86400 * 1000)
#define STOP_LIMIT_MS	20000
#define RENEW_PAUSE_MS	60000
#define NEVER		INT64_MAX

struct server {
	const struct server_settings *settings;
	struct conf *conf;
	struct tls *tls; /* NULL: in the clear */
	struct confine *confine;
	struct loop *loop;
	struct children *children;
	struct ports *ports;
	struct process_watchdog watchdog;
	struct meter_process meter;
	int64_t links_at_ms;	/* look at them then, where somebody waits */
	int64_t stop_by_ms;	/* NEVER = it does not stop */
	int64_t expiry_at_ms;	/* look at our certificate then */
	int64_t renew_after_ms; /* folders, not before */
	struct admission admission;
	bool done;
};

static int start(struct server *server, struct err *err);
static void finish(struct server *server);
static int turn(struct server *server, struct err *err);
static void on_connection(void *context, int fd, const char *peer);
static void check_expiry(struct server *server);
static void look_at_links(struct server *server);
static void spawn(struct server *server, struct child *child);
static void count_associations(const struct server *server);
static void become_child(void *context);
static void on_signal(void *context);
static void reap(struct server *server);
static void renew_folders(struct server *server);
static void stop(struct server *server, int signal_number);
static void reload(struct server *server);
static void start_meter(struct server *server);
static void notify_reloading(void);
static void become_ready(const struct server *server, const char *event);

int
server_run(const struct server_settings *settings, struct err *err)
{
	struct server server = {
	    .settings = settings,
	    .conf = settings->conf,
	    .tls = settings->tls,
	    .meter = METER_PROCESS_INIT,
	    .stop_by_ms = NEVER,
	    .expiry_at_ms = NEVER,
	    .admission = ADMISSION_INIT,
	};
	int rc;

	rc = start(&server, err);
	if (rc == 0) {
		become_ready(&server, "ready");
		process_watchdog_open(&server.watchdog);
	}
	while (rc == 0 && !server.done)
		rc = turn(&server, err);
	if (rc == 0)
		LOG(LOG_LEVEL_INFO, "stopped", LOG_NONE);
	finish(&server);
	return rc;
}

static int
start(struct server *server, struct err *err)
{
	check_expiry(server);
	server->confine = confine_create(CONFINE_ASSOCIATION, err);
	if (server->confine == NULL)
		return -1;
	confine_report(server->confine);
	server->loop = loop_create(err);
	if (server->loop == NULL)
		return -1;
	server->children = children_create(server->loop,
	    server->settings->spool, server->settings->shared->ledger, err);
	if (server->children == NULL ||
	    loop_add(server->loop, server->settings->signal_fd, on_signal,
		server, err) == -1)
		return -1;
	server->ports =
	    ports_open(server->loop, server->conf->receiver.local_interface,
		server->conf->receiver.port, on_connection, server, err);
	if (server->ports == NULL ||
	    user_settle(server->settings->user, err) == -1)
		return -1;
	start_meter(server);
	return 0;
}

static void
finish(struct server *server)
{
	meter_end(&server->meter);
	ports_free(server->ports);
	children_free(server->children);
	loop_free(server->loop);
	tls_free(server->tls);
	confine_free(server->confine);
	conf_free(server->conf);
}

/* One turn of the loop, and what is due by time. */
static int
turn(struct server *server, struct err *err)
{
	int64_t until_ms = process_watchdog_turn(&server->watchdog);
	int64_t left_ms = -1;

	if (server->stop_by_ms < until_ms)
		until_ms = server->stop_by_ms;
	if (ports_due_ms(server->ports) < until_ms)
		until_ms = ports_due_ms(server->ports);
	if (server->meter.due_ms < until_ms)
		until_ms = server->meter.due_ms;
	if (server->expiry_at_ms < until_ms)
		until_ms = server->expiry_at_ms;
	if (server->admission.due_ms < until_ms)
		until_ms = server->admission.due_ms;
	if (children_serving(server->children) > 0 &&
	    server->links_at_ms < until_ms)
		until_ms = server->links_at_ms;
	if (until_ms != NEVER)
		left_ms = until_ms - clock_mono_ms();
	if (left_ms < 0 && until_ms != NEVER)
		left_ms = 0;
	if (loop_turn(server->loop, (int)left_ms, err) == -1 ||
	    ports_resume(server->ports, err) == -1)
		return -1;
	if (clock_mono_ms() >= server->meter.due_ms)
		start_meter(server);
	if (clock_mono_ms() >= server->links_at_ms)
		look_at_links(server);
	if (clock_mono_ms() >= server->expiry_at_ms)
		check_expiry(server);
	admission_turn(&server->admission);
	if (clock_mono_ms() >= server->stop_by_ms) {
		LOG(LOG_LEVEL_WARNING, "stop-limit",
		    LOG_INT(
			"associations", children_serving(server->children)));
		children_kill(server->children, true);
		server->stop_by_ms = NEVER;
	}
	return 0;
}

static void
on_connection(void *context, int fd, const char *peer)
{
	struct server *server = context;
	struct child child = {.fd = fd,
	    .parent_fd = -1,
	    .queue_fd = -1,
	    .watch_fd = -1,
	    .slot = {.fd = -1}};

	(void)snprintf(child.peer, sizeof(child.peer), "%s", peer);
	if (shared_is_stopping(server->settings->shared))
		child.mode = CHILD_REJECT_STOPPING;
	else
		child.mode = admission_mode(
		    &server->conf->receiver, server->children, peer);
	if (admission_has_room(&server->admission, &server->conf->receiver,
		child.mode, server->children, peer))
		spawn(server, &child);
	else
		admission_refuse(&server->admission, peer);
	(void)close(fd);
}

/* Once a day. */
static void
check_expiry(struct server *server)
{
	server->expiry_at_ms = NEVER;
	if (server->tls == NULL)
		return;
	certificate_warn("receiver", server->conf->receiver.tls.certificate,
	    tls_end(server->tls));
	server->expiry_at_ms = clock_mono_ms() + EXPIRY_CHECK_MS;
}

static void
look_at_links(struct server *server)
{
	links_look(
	    server->settings->shared, server->settings->spool, server->conf);
	server->links_at_ms = clock_mono_ms() + LINKS_LOOK_MS;
}

/* The child's name is known to both: the time here, and its process ID. */
static void
spawn(struct server *server, struct child *child)
{
	struct err err = {.class = ERR_NONE};
	int64_t now_us = clock_real_us();
	pid_t pid;

	child->conf = server->conf;
	child->spool = server->settings->spool;
	child->tls = server->tls;
	child->shared = server->settings->shared;
	counters_check(child->shared->counters);
	child->confine = server->confine;
	look_at_links(server);
	cell_prepare(child->spool, child->conf);
	child->may_watch =
	    children_serving(server->children) < CHILDREN_WATCHING;
	pid = process_fork(&child->parent_fd, &err);
	if (pid == 0) {
		become_child(server);
		path_association_format(
		    now_us, (int)getpid(), child->association);
		server->settings->serve(child);
	}
	if (pid == -1) {
		LOG(LOG_LEVEL_ERROR, "not-served", LOG_STR("peer", child->peer),
		    LOG_STR("error", err.text));
		return;
	}
	path_association_format(now_us, (int)pid, child->association);
	if (children_add(
		server->children, pid, child->parent_fd, child, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "not-served", LOG_STR("peer", child->peer),
		    LOG_STR("error", err.text));
		(void)kill(pid, SIGKILL);
		(void)close(child->parent_fd);
	}
	count_associations(server);
}

static void
count_associations(const struct server *server)
{
	counters_set(counters_whole(server->settings->shared->counters),
	    COUNTERS_PROCESSES, children_serving(server->children));
}

/*
 * Closes what is the parent's. Nothing may be removed from the loop, which is
 * one for both.
 */
static void
become_child(void *context)
{
	struct server *server = context;

	loop_free(server->loop);
	children_free(server->children);
	ports_free(server->ports);
	(void)close(server->settings->signal_fd);
	meter_forget(&server->meter);
}

static void
on_signal(void *context)
{
	struct server *server = context;
	int signal_number;

	while ((signal_number =
		       process_read_signal(server->settings->signal_fd)) != 0) {
		if (signal_number == SIGTERM || signal_number == SIGINT)
			stop(server, signal_number);
		else if (signal_number == SIGHUP)
			reload(server);
	}
	/* One SIGCHLD may stand for many children. */
	reap(server);
}

static void
reap(struct server *server)
{
	char peer[ENVELOPE_PEER_SIZE];
	int wait_status;
	bool failed;
	pid_t pid;

	while ((pid = process_reap(&wait_status)) > 0)
		if (!children_reaped(
			server->children, pid, wait_status, peer, &failed))
			meter_reaped(&server->meter, pid, wait_status);
		else if (failed)
			admission_failed(
			    &server->admission, &server->conf->receiver, peer);
	count_associations(server);
	if (children_serving(server->children) == 0)
		renew_folders(server);
	if (shared_is_stopping(server->settings->shared) &&
	    children_serving(server->children) == 0) {
		children_kill(server->children, false);
		server->done = true;
	}
}

/* While nobody is confined to the old ones; once a minute at most. */
static void
renew_folders(struct server *server)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms < server->renew_after_ms)
		return;
	server->renew_after_ms = now_ms + RENEW_PAUSE_MS;
	recover_folders(server->settings->spool, server->conf);
}

static void
stop(struct server *server, int signal_number)
{
	if (shared_is_stopping(server->settings->shared))
		return;
	shared_stop(server->settings->shared);
	process_notify("STOPPING=1");
	LOG(LOG_LEVEL_INFO, "stopping", LOG_INT("signal", signal_number),
	    LOG_INT("associations", children_serving(server->children)));
	server->stop_by_ms = clock_mono_ms() + STOP_LIMIT_MS;
	children_tell_stop(server->children);
}

/* Children keep the configuration that they were forked with. */
static void
reload(struct server *server)
{
	struct err err = {.class = ERR_NONE};
	struct conf *old = server->conf, *new = NULL;
	struct tls *tls = NULL;

	notify_reloading();
	if (conf_load(old->path, &new, &err) == -1 ||
	    prepare_keys(new, &tls, &err) == -1 ||
	    prepare_spool(new, server->settings->spool,
		server->settings->shared, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "reload-failed",
		    LOG_STR("error", err.text));
		tls_free(tls);
		conf_free(new);
		process_notify("READY=1");
		return;
	}
	if (strcmp(old->storage_location, new->storage_location) != 0)
		LOG(LOG_LEVEL_WARNING, "restart-needed",
		    LOG_STR("key", "StorageLocation"));
	if (strcmp(old->user, new->user) != 0)
		LOG(LOG_LEVEL_WARNING, "restart-needed",
		    LOG_STR("key", "User"));
	server->conf = new;
	tls_free(server->tls);
	server->tls = tls;
	check_expiry(server);
	log_open("dcmspool-receiver", new->log_level, new->log_to_syslog);
	if (ports_move(server->ports, new->receiver.local_interface,
		new->receiver.port, &err) == -1)
		LOG(LOG_LEVEL_ERROR, "listen-failed",
		    LOG_STR("error", err.text));
	meter_end(&server->meter);
	start_meter(server);
	conf_free(old);
	become_ready(server, "reloaded");
}

static void
start_meter(struct server *server)
{
	const struct meter_job job = {server->settings->spool,
	    server->settings->shared, server->conf, server->confine,
	    become_child, server};

	if (!shared_is_stopping(server->settings->shared))
		meter_start(&server->meter, &job);
	else
		server->meter.due_ms = NEVER;
}

static void
notify_reloading(void)
{
	char state[80];

	(void)snprintf(state, sizeof(state),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
	process_notify(state);
}

static void
become_ready(const struct server *server, const char *event)
{
	LOG(LOG_LEVEL_INFO, event, LOG_INT("port", server->conf->receiver.port),
	    LOG_STR("interface", server->conf->receiver.local_interface),
	    LOG_STR("spool", server->settings->spool->location),
	    LOG_INT("routes", server->conf->routes_n),
	    LOG_INT("destinations", server->conf->destinations_n));
	process_notify("READY=1");
	image_give_back();
}
