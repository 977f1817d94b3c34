/*
 * The queue manager: one loop for events, signals, lanes and times.
 *
 * Errors: at the start, what cannot work is -1; later, it is logged and the
 * next scan makes up for it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/ledger.h"
#include "../spool/counters.h"
#include "../spool/process.h"
#include "../spool/watch.h"
#include "account.h"
#include "destination.h"
#include "expire.h"
#include "identities.h"
#include "lanes.h"

#define SCAN_MS		  60000
#define SCAN_UNWATCHED_MS 5000
#define SCAN_COST	  50	/* a scan takes at most one part in so many */
#define STOP_MS		  20000 /* for what is in flight at SIGTERM */
#define RELEASE_MS	  5000	/* for lanes to release their associations */
#define US_PER_S	  1000000
#define WAIT_MARGIN_US	  1000000

static int open_all(struct sender *sender, struct err *err);
static int add_configured(struct sender *sender, struct err *err);
static int add_found(void *context, const char *name);
static struct destination *find(struct sender *sender, const char *name);
static void scan_all(struct sender *sender);
static void on_signal(void *context);
static void on_watch(void *context);
static void on_name(
    void *context, int wd, enum watch_what what, const char *file);
static bool on_destination_name(
    struct sender *sender, int wd, enum watch_what what, const char *file);
static void reload(struct sender *sender);
static void reconfigure(struct sender *sender, struct conf *conf);
static void turn(struct sender *sender);
static int wait_ms(struct sender *sender);
static void finish(struct sender *sender);
static void close_all(struct sender *sender);
static bool is_idle(struct sender *sender);

int
sender_run(struct sender *sender, struct err *err)
{
	struct destination *dest;
	int rc;

	TAILQ_INIT(&sender->destinations);
	sender->watch_fd = sender->queue_wd = -1;
	sender->started_us = clock_real_us();
	rc = open_all(sender, err);
	TAILQ_FOREACH (dest, &sender->destinations, next)
		if (rc == 0)
			rc = destination_recover(dest, err);
	if (rc == -1) {
		close_all(sender);
		return -1;
	}
	scan_all(sender);
	TAILQ_FOREACH (dest, &sender->destinations, next)
		destination_configure(dest);
	LOG(LOG_LEVEL_INFO, "ready", LOG_STR("spool", sender->spool.location));
	process_notify("READY=1");
	process_watchdog_open(&sender->watchdog);
	while (!sender->stop && rc == 0) {
		turn(sender);
		rc = loop_turn(sender->loop, wait_ms(sender), err);
	}
	finish(sender);
	return rc;
}

int64_t
sender_longest_wait_us(const struct sender *sender)
{
	int64_t longest_s = 0;
	size_t i;

	for (i = 0; i < sender->conf->routes_n; i++)
		if (sender->conf->routes[i].response_timeout_s > longest_s)
			longest_s = sender->conf->routes[i].response_timeout_s;
	return longest_s * US_PER_S + WAIT_MARGIN_US;
}

static int
open_all(struct sender *sender, struct err *err)
{
	int64_t newest_us;
	struct err watch_err;

	if (spool_newest_stamp(&sender->spool, &newest_us, err) == -1)
		return -1;
	sender->counters = counters_open(&sender->spool, err);
	if (sender->counters == NULL)
		return -1;
	sender->ledger = ledger_open(sender->conf->ledger, err);
	if (sender->ledger == NULL)
		return -1;
	sender->stamps = stamp_source_create(newest_us, err);
	sender->loop = loop_create(err);
	if (sender->stamps == NULL || sender->loop == NULL ||
	    loop_add(sender->loop, sender->signal_fd, on_signal, sender, err) ==
		-1)
		return -1;
	sender->watch_fd = watch_open(&watch_err);
	if (sender->watch_fd == -1) {
		LOG(LOG_LEVEL_WARNING, "not-watched",
		    LOG_STR("reason", watch_err.text));
		sender->unwatched = true;
	} else if (loop_add(sender->loop, sender->watch_fd, on_watch, sender,
		       err) == -1)
		return -1;
	if (add_configured(sender, err) == -1)
		return -1;
	return spool_scan_destinations(&sender->spool, add_found, sender, err);
}

static int
add_configured(struct sender *sender, struct err *err)
{
	const char *name;
	size_t i;

	for (i = 0; i < sender->conf->destinations_n; i++) {
		name = sender->conf->destinations[i].name;
		if (find(sender, name) == NULL &&
		    destination_create(sender, name, err) == NULL)
			return -1;
	}
	return 0;
}

static int
add_found(void *context, const char *name)
{
	struct sender *sender = context;
	struct destination *dest;
	struct err err;

	if (!name_destination_valid(name) || find(sender, name) != NULL)
		return 0;
	dest = destination_create(sender, name, &err);
	if (dest == NULL)
		LOG(LOG_LEVEL_ERROR, "folder-not-made",
		    LOG_STR("destination", name), LOG_STR("reason", err.text));
	return 0;
}

static struct destination *
find(struct sender *sender, const char *name)
{
	struct destination *dest;

	TAILQ_FOREACH (dest, &sender->destinations, next)
		if (strcmp(dest->name, name) == 0)
			return dest;
	return NULL;
}

/* All names of all folders: at the start, where events were lost, and now
 * and then. */
static void
scan_all(struct sender *sender)
{
	int64_t begin_ms = clock_mono_ms(), took_ms, pause_ms;
	struct destination *dest;
	struct err err;

	sender->scan_due = false;
	sender->unwatched = sender->watch_fd == -1;
	sender->generation++;
	if (sender->watch_fd != -1)
		sender->queue_wd = watch_add(sender->watch_fd,
		    sender->spool.root_fd, PATH_QUEUE, WATCH_NEW_NAMES, &err);
	(void)spool_scan_destinations(&sender->spool, add_found, sender, &err);
	TAILQ_FOREACH (dest, &sender->destinations, next)
		destination_scan(dest);
	took_ms = clock_mono_ms() - begin_ms;
	pause_ms = sender->unwatched ? SCAN_UNWATCHED_MS : SCAN_MS;
	if (took_ms * SCAN_COST > pause_ms)
		pause_ms = took_ms * SCAN_COST;
	sender->next_scan_ms = clock_mono_ms() + pause_ms;
}

static void
on_signal(void *context)
{
	struct sender *sender = context;
	int number;

	while ((number = process_read_signal(sender->signal_fd)) != 0)
		switch (number) {
		case SIGHUP:
			sender->reload = true;
			break;
		case SIGTERM:
		case SIGINT:
			sender->stop = true;
			break;
		case SIGCHLD:
			lanes_reap(sender);
			break;
		default:
			break;
		}
}

static void
on_watch(void *context)
{
	struct sender *sender = context;
	struct err err;

	if (watch_read(sender->watch_fd, on_name, sender, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "events-not-read",
		    LOG_STR("reason", err.text));
		sender->scan_due = true;
	}
}

static void
on_name(void *context, int wd, enum watch_what what, const char *file)
{
	struct sender *sender = context;

	if (what == WATCH_OVERFLOW) {
		LOG(LOG_LEVEL_WARNING, "events-lost",
		    LOG_STR("consequence", "all folders are scanned"));
		sender->scan_due = true;
	} else if (wd == sender->queue_wd) {
		sender->scan_due = true;
	} else if (!on_destination_name(sender, wd, what, file) &&
		   what == WATCH_GONE) {
		sender->scan_due = true;
	}
}

static bool
on_destination_name(
    struct sender *sender, int wd, enum watch_what what, const char *file)
{
	static const enum queue_state states[] = {
	    QUEUE_NEW, QUEUE_DEFERRED, QUEUE_FAILED};
	struct destination *dest;
	int i;

	TAILQ_FOREACH (dest, &sender->destinations, next)
		for (i = 0; i < DESTINATION_WATCHES; i++) {
			if (dest->wd[i] != wd)
				continue;
			if (what == WATCH_GONE) {
				dest->wd[i] = -1;
				sender->scan_due = true;
				/* They have no right to what comes in its
				 * place. */
				lanes_retire(dest);
			} else if (i == DESTINATION_WATCH_SELF) {
				destination_look_self(dest, file);
			} else {
				destination_look(dest, states[i], file);
			}
			return true;
		}
	return false;
}

/* The old configuration stays in force where the new one has an error. */
static void
reload(struct sender *sender)
{
	struct identities *identities = NULL;
	struct conf *conf;
	struct err err;

	sender->reload = false;
	process_notify("RELOADING=1");
	if (conf_load(sender->conf->path, &conf, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "not-reloaded",
		    LOG_STR("reason", err.text));
	} else if (strcmp(conf->storage_location,
		       sender->conf->storage_location) != 0) {
		LOG(LOG_LEVEL_ERROR, "not-reloaded",
		    LOG_STR("reason",
			"StorageLocation has changed: that takes a restart"));
		conf_free(conf);
	} else if (identities_load(conf, &identities, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "not-reloaded",
		    LOG_STR("reason", err.text));
		conf_free(conf);
	} else {
		identities_free(sender->identities);
		sender->identities = identities;
		sender->next_expiry_ms = 0;
		reconfigure(sender, conf);
	}
	process_notify("READY=1");
}

static void
reconfigure(struct sender *sender, struct conf *conf)
{
	struct conf *old = sender->conf;
	struct destination *dest;
	const struct conf_destination *now;
	struct err err;

	sender->conf = conf;
	if (add_configured(sender, &err) == -1)
		LOG(LOG_LEVEL_ERROR, "folder-not-made",
		    LOG_STR("reason", err.text));
	TAILQ_FOREACH (dest, &sender->destinations, next) {
		now = conf_find_destination(conf, dest->name);
		/* An association keeps what it began with, and ends; that of
		 * one with TLS may have got other certificates. */
		if (now == NULL || dest->conf == NULL || now->tls.on ||
		    !conf_destination_equal(now, dest->conf))
			lanes_retire(dest);
		destination_configure(dest);
	}
	log_open("dcmspool-sender", conf->log_level, conf->log_to_syslog);
	if (ledger_move(sender->ledger, conf->ledger, &err) == -1)
		LOG(LOG_LEVEL_ERROR, "ledger-failed",
		    LOG_STR("file", conf->ledger), LOG_STR("error", err.text));
	conf_free(old);
	sender->scan_due = true;
	LOG(LOG_LEVEL_INFO, "reloaded", LOG_STR("file", conf->path));
}

/* What is due between two waits. */
static void
turn(struct sender *sender)
{
	struct destination *dest;
	int64_t now_ms = clock_mono_ms();

	if (sender->reload)
		reload(sender);
	if (sender->scan_due || now_ms >= sender->next_scan_ms)
		scan_all(sender);
	if (now_ms >= sender->next_expire_ms) {
		TAILQ_FOREACH (dest, &sender->destinations, next)
			expire_destination(dest);
		sender->next_expire_ms =
		    clock_mono_ms() + expire_interval_ms(sender->conf);
	}
	if (now_ms >= sender->next_expiry_ms)
		sender->next_expiry_ms =
		    identities_warn(sender->identities, sender->conf);
	account_turn(sender);
	TAILQ_FOREACH (dest, &sender->destinations, next)
		destination_run(dest);
}

static int
wait_ms(struct sender *sender)
{
	int64_t until_ms = process_watchdog_turn(&sender->watchdog);
	int64_t due_ms, left_ms;
	struct destination *dest;

	if (sender->next_scan_ms < until_ms)
		until_ms = sender->next_scan_ms;
	if (sender->next_expire_ms < until_ms)
		until_ms = sender->next_expire_ms;
	if (sender->next_account_ms < until_ms)
		until_ms = sender->next_account_ms;
	if (sender->next_expiry_ms < until_ms)
		until_ms = sender->next_expiry_ms;
	TAILQ_FOREACH (dest, &sender->destinations, next) {
		due_ms = destination_due_ms(dest);
		if (due_ms != -1 && due_ms < until_ms)
			until_ms = due_ms;
	}
	left_ms = until_ms - clock_mono_ms();
	return left_ms < 0 ? 0 : (int)left_ms;
}

/* SIGTERM: what is in flight ends, nothing new begins, associations are
 * released. */
static void
finish(struct sender *sender)
{
	struct destination *dest;
	struct err err;
	int64_t until_ms = clock_mono_ms() + STOP_MS;

	sender->stop = true;
	process_notify("STOPPING=1");
	LOG(LOG_LEVEL_INFO, "stopping", LOG_NONE);
	TAILQ_FOREACH (dest, &sender->destinations, next)
		lanes_retire(dest);
	while (!is_idle(sender) && clock_mono_ms() < until_ms)
		if (loop_turn(sender->loop,
			(int)(until_ms - clock_mono_ms()) + 1, &err) == -1)
			break;
	TAILQ_FOREACH (dest, &sender->destinations, next)
		lanes_kill(dest);
	until_ms = clock_mono_ms() + RELEASE_MS;
	while (sender->children > 0 && clock_mono_ms() < until_ms)
		if (loop_turn(sender->loop,
			(int)(until_ms - clock_mono_ms()) + 1, &err) == -1)
			break;
	close_all(sender);
	LOG(LOG_LEVEL_INFO, "stopped", LOG_NONE);
}

static void
close_all(struct sender *sender)
{
	struct destination *dest;

	while ((dest = TAILQ_FIRST(&sender->destinations)) != NULL)
		destination_free(dest);
	ledger_close(sender->ledger);
	stamp_source_free(sender->stamps);
	loop_free(sender->loop);
	if (sender->watch_fd != -1)
		(void)close(sender->watch_fd);
}

static bool
is_idle(struct sender *sender)
{
	struct destination *dest;

	TAILQ_FOREACH (dest, &sender->destinations, next)
		if (!TAILQ_EMPTY(&dest->lanes))
			return false;
	return true;
}
