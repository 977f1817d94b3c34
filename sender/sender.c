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
#include "../spool/image.h"
#include "../spool/process.h"
#include "../spool/watch.h"
#include "account.h"
#include "destination.h"
#include "identities.h"
#include "lanes.h"

#define LOOK_MS		  60000
#define LOOK_UNWATCHED_MS 5000
#define STOP_MS		  20000 /* for what is in flight at SIGTERM */
#define RELEASE_MS	  5000	/* for lanes to release their associations */

static int open_all(struct sender *sender, struct err *err);
static int add_configured(struct sender *sender, struct err *err);
static int add_found(void *context, const char *name);
static struct destination *find(struct sender *sender, const char *name);
static void look_at_queue(struct sender *sender);
static void lose_events(struct sender *sender);
static void on_signal(void *context);
static void on_watch(void *context);
static void on_name(
    void *context, int wd, enum watch_what what, const char *file);
static void on_destination_name(
    struct sender *sender, int wd, enum watch_what what, const char *file);
static void reload(struct sender *sender);
static void become_ready(void);
static void reconfigure(struct sender *sender, struct conf *conf);
static void turn(struct sender *sender);
static int wait_ms(struct sender *sender);
static void finish(struct sender *sender);
static void close_all(struct sender *sender);
static bool is_idle(struct sender *sender);

int
sender_run(struct sender *sender, struct err *err)
{
	int rc = 0;

	TAILQ_INIT(&sender->destinations);
	sender->watch_fd = sender->queue_wd = -1;
	sender->started_us = clock_real_us();
	if (open_all(sender, err) == -1) {
		close_all(sender);
		return -1;
	}
	look_at_queue(sender);
	LOG(LOG_LEVEL_INFO, "ready", LOG_STR("spool", sender->spool.location));
	become_ready();
	process_watchdog_open(&sender->watchdog);
	while (!sender->stop && rc == 0) {
		turn(sender);
		rc = loop_turn(sender->loop, wait_ms(sender), err);
	}
	finish(sender);
	return rc;
}

static int
open_all(struct sender *sender, struct err *err)
{
	struct err watch_err;

	sender->counters = counters_open(&sender->spool, err);
	if (sender->counters == NULL)
		return -1;
	sender->ledger = ledger_open(sender->conf->ledger, err);
	if (sender->ledger == NULL)
		return -1;
	sender->stamps = stamp_source_create(0, err);
	sender->loop = loop_create(err);
	if (sender->stamps == NULL || sender->loop == NULL ||
	    loop_add(sender->loop, sender->signal_fd, on_signal, sender, err) ==
		-1)
		return -1;
	sender->watch_fd = watch_open(&watch_err);
	if (sender->watch_fd == -1) {
		LOG(LOG_LEVEL_WARNING, "not-watched",
		    LOG_STR("reason", watch_err.text));
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

/* The destinations that are there: at the start, and now and then. */
static void
look_at_queue(struct sender *sender)
{
	struct err err;

	if (sender->watch_fd != -1)
		sender->queue_wd = watch_add(sender->watch_fd,
		    sender->spool.root_fd, PATH_QUEUE, WATCH_NEW_NAMES, &err);
	(void)spool_scan_destinations(&sender->spool, add_found, sender, &err);
	sender->next_look_ms =
	    clock_mono_ms() +
	    (sender->queue_wd == -1 ? LOOK_UNWATCHED_MS : LOOK_MS);
}

/* At once: the events behind that count less. */
static void
lose_events(struct sender *sender)
{
	struct destination *dest;

	sender->next_look_ms = 0;
	TAILQ_FOREACH (dest, &sender->destinations, next)
		scan_after_loss(dest);
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
		lose_events(sender);
	}
}

static void
on_name(void *context, int wd, enum watch_what what, const char *file)
{
	struct sender *sender = context;

	if (what == WATCH_OVERFLOW) {
		LOG(LOG_LEVEL_WARNING, "events-lost",
		    LOG_STR("consequence", "all folders are scanned"));
		lose_events(sender);
	} else if (wd != sender->queue_wd) {
		on_destination_name(sender, wd, what, file);
	} else if (what == WATCH_GONE) {
		sender->queue_wd = -1;
		lose_events(sender);
	} else {
		sender->next_look_ms = 0;
	}
}

/* One that is nobody's is of a folder in whose place another one is watched. */
static void
on_destination_name(
    struct sender *sender, int wd, enum watch_what what, const char *file)
{
	struct destination *dest;
	int i;

	TAILQ_FOREACH (dest, &sender->destinations, next)
		for (i = 0; i < DESTINATION_WATCHES; i++)
			if (dest->wd[i] == wd)
				scan_hear(dest, (enum destination_watch)i, what,
				    file);
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
	become_ready();
}

static void
become_ready(void)
{
	process_notify("READY=1");
	image_give_back();
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
		chores_want(dest, CHORE_SCAN);
	}
	log_open("dcmspool-sender", conf->log_level, conf->log_to_syslog);
	if (ledger_move(sender->ledger, conf->ledger, &err) == -1)
		LOG(LOG_LEVEL_ERROR, "ledger-failed",
		    LOG_STR("file", conf->ledger), LOG_STR("error", err.text));
	conf_free(old);
	sender->next_look_ms = 0;
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
	if (now_ms >= sender->next_look_ms)
		look_at_queue(sender);
	chores_turn(sender);
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

	if (sender->next_look_ms < until_ms)
		until_ms = sender->next_look_ms;
	if (sender->next_account_ms < until_ms)
		until_ms = sender->next_account_ms;
	if (sender->next_expiry_ms < until_ms)
		until_ms = sender->next_expiry_ms;
	TAILQ_FOREACH (dest, &sender->destinations, next) {
		due_ms = destination_due_ms(dest);
		if (due_ms != -1 && due_ms < until_ms)
			until_ms = due_ms;
		if (chores_due_ms(dest) < until_ms)
			until_ms = chores_due_ms(dest);
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
