/*
 * The table of all keys of the configuration: what conf_load accepts, with
 * type, default, range and unit. dcmspool.conf(5) and etc/dcmspool.conf are
 * checked against it.
 */
#ifndef DCMSPOOL_CONF_TABLE_H
#define DCMSPOOL_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The groups. Each key of a group lies in the struct named here. */
#define CONF_TOP	  ""		 /* struct conf */
#define CONF_RECEIVER	  "receiver"	 /* struct conf_receiver */
#define CONF_ROUTES	  "routes"	 /* struct conf_route, a list of them */
#define CONF_DESTINATIONS "destinations" /* struct conf_destination, a list */
#define CONF_LOG	  "log"		 /* struct conf */
#define CONF_TLS	  "tls"		 /* struct conf_tls, in two of them */

enum conf_type {
	CONF_INT,	     /* int */
	CONF_INT64,	     /* int64_t */
	CONF_WORD,	     /* one of the words, an enum in their order */
	CONF_FLAG,	     /* one of two words, a bool: false, true */
	CONF_BOOL,	     /* bool */
	CONF_FOLDER,	     /* char *, an absolute path */
	CONF_FILE,	     /* char *, an absolute path, or "" */
	CONF_HOST,	     /* char *, printable and without blanks */
	CONF_USER,	     /* char *, a user's name, or "" */
	CONF_NAME,	     /* char *, a destination's name */
	CONF_AET,	     /* char *, an AE title, "%calling" or "%called" */
	CONF_AETS,	     /* struct conf_patterns of AE titles */
	CONF_UIDS,	     /* struct conf_patterns of UIDs */
	CONF_NETWORKS,	     /* the same of networks */
	CONF_CERTIFICATES,   /* the same of certificates */
	CONF_TARGETS,	     /* of a route: destinations */
	CONF_WAIT_FOR,	     /* of a route: wait_for */
	CONF_STATUS_CLASSES, /* of a destination: status_rules */
	CONF_TLS_GROUP	     /* struct conf_tls, by the keys of CONF_TLS */
};

struct conf_key {
	const char *group;
	const char *name;
	enum conf_type type;
	bool required;
	const char *text;	  /* default of what is not a number, or NULL */
	int64_t number;		  /* default of CONF_INT, CONF_INT64, _BOOL */
	int64_t min, max;	  /* their range, inclusive */
	const char *unit;	  /* theirs, in the plural; NULL = none */
	const char *const *words; /* of CONF_WORD and CONF_FLAG, NULL ends */
	const char *example;	  /* of the others: a value, as written */
	size_t offset;		  /* in the group's struct */
};

/* All keys, group by group, in the order in which they are read. */
const struct conf_key *conf_table(size_t *n);

/* The key of that group and name, or NULL. */
const struct conf_key *conf_table_find(const char *group, const char *name);

#endif
