/*
 * Each item lies within the one around it, is as long as what it holds, and is
 * there as often as it may be. Items that are unknown are passed over (PS3.8
 * 9.3.1).
 *
 * Errors: none but what is found.
 */
#include <string.h>

#include "precheck.h"

#define ASSOCIATE_RQ 0x01
#define FIXED_BYTES  68 /* before the items, PS3.8 table 9-11 */
#define ITEM_HEADER  4
#define UID_MAX	     64
#define VERSION_MAX  16

#define APPLICATION_CONTEXT  0x10
#define PRESENTATION_CONTEXT 0x20
#define ABSTRACT_SYNTAX	     0x30
#define TRANSFER_SYNTAX	     0x40
#define USER_INFORMATION     0x50

/* What is left to be read. */
struct span {
	const uint8_t *at;
	size_t left;
};

struct item {
	uint8_t type;
	struct span body;
};

struct request {
	struct precheck *found;
	bool has_application, has_user;
	bool ids[UINT8_MAX + 1];  /* of presentation contexts */
	bool user[UINT8_MAX + 1]; /* types of user items */
};

/* A user item (PS3.7 D.3.3, PS3.8 D.1). */
struct user_item {
	uint8_t type;
	bool once;
	size_t min, max;
	bool (*is_whole)(struct span body); /* NULL: its length says it */
};

static bool wrong(struct request *r, const char *why);
static bool exceeds(struct request *r, const char *why);
static bool check_item(struct request *r, const struct item *item);
static bool check_context(struct request *r, struct span context);
static bool check_syntaxes(struct request *r, struct span items);
static bool check_user(struct request *r, struct span items);
static bool check_user_item(struct request *r, const struct item *item);
static bool is_uid(struct span body);
static bool is_role(struct span body);
static bool is_extended(struct span body);
static bool is_common_extended(struct span body);
static bool is_identity(struct span body);
static bool take(struct span *from, size_t bytes, struct span *part);
static bool take_counted(struct span *from, size_t most);
static bool take_item(struct span *from, struct item *item);
static size_t number(const uint8_t *at, size_t bytes);

static const struct user_item user_items[] = {
    {0x51, true, 4, 4, NULL},	    /* maximum length */
    {0x52, true, 0, UID_MAX, NULL}, /* implementation class */
    {0x53, true, 4, 4, NULL},	    /* asynchronous operations window */
    {0x54, false, 4, 4 + UID_MAX, is_role},
    {0x55, true, 0, VERSION_MAX, NULL}, /* implementation version */
    {0x56, false, 2, UINT16_MAX, is_extended},
    {0x57, false, 6, UINT16_MAX, is_common_extended},
    {0x58, true, 6, UINT16_MAX, is_identity},
};

bool
precheck_header(
    const uint8_t header[PRECHECK_HEADER], size_t *bytes, struct precheck *p)
{
	*bytes = header[0] == ASSOCIATE_RQ ? number(header + 2, 4) : 0;
	if (*bytes <= PRECHECK_BYTES)
		return true;
	*p = (struct precheck){"an association request that is too long", true};
	return false;
}

bool
precheck_body(const uint8_t *body, size_t bytes, struct precheck *p)
{
	struct request r = {.found = p};
	struct span rest = {body, bytes}, fixed;
	struct item item;

	if (!take(&rest, FIXED_BYTES, &fixed))
		return wrong(&r, "an association request that is too short");
	while (rest.left > 0)
		if (!take_item(&rest, &item))
			return wrong(&r, "an item beyond the end of the PDU");
		else if (!check_item(&r, &item))
			return false;
	return true;
}

static bool
wrong(struct request *r, const char *why)
{
	*r->found = (struct precheck){why, false};
	return false;
}

static bool
exceeds(struct request *r, const char *why)
{
	*r->found = (struct precheck){why, true};
	return false;
}

static bool
check_item(struct request *r, const struct item *item)
{
	switch (item->type) {
	case APPLICATION_CONTEXT:
		if (r->has_application)
			return wrong(r, "two application contexts");
		r->has_application = true;
		return item->body.left == 0 || is_uid(item->body) ||
		       wrong(r, "an application context that is no UID");
	case PRESENTATION_CONTEXT:
		return check_context(r, item->body);
	case USER_INFORMATION:
		if (r->has_user)
			return wrong(r, "two items of user information");
		r->has_user = true;
		return check_user(r, item->body);
	default:
		return true;
	}
}

/* As each ID is odd, and there once, they are 128 at most (PS3.8 9.3.2.2). */
static bool
check_context(struct request *r, struct span context)
{
	struct span fixed;

	if (!take(&context, 4, &fixed))
		return wrong(r, "a presentation context that is too short");
	if (fixed.at[0] % 2 == 0)
		return wrong(r, "a presentation context ID that is even");
	if (r->ids[fixed.at[0]])
		return wrong(r, "a presentation context ID twice");
	r->ids[fixed.at[0]] = true;
	return check_syntaxes(r, context);
}

static bool
check_syntaxes(struct request *r, struct span items)
{
	unsigned abstracts = 0, transfers = 0;
	struct item item;

	while (items.left > 0) {
		if (!take_item(&items, &item))
			return wrong(
			    r, "an item beyond its presentation context");
		abstracts += item.type == ABSTRACT_SYNTAX;
		transfers += item.type == TRANSFER_SYNTAX;
		if ((item.type == ABSTRACT_SYNTAX ||
			item.type == TRANSFER_SYNTAX) &&
		    !is_uid(item.body))
			return wrong(r, "a syntax that is no UID");
	}
	if (abstracts != 1)
		return wrong(r, "not one abstract syntax in a context");
	if (transfers == 0)
		return wrong(r, "no transfer syntax in a context");
	return transfers <= PRECHECK_TRANSFERS ||
	       exceeds(r, "too many transfer syntaxes in a context");
}

static bool
check_user(struct request *r, struct span items)
{
	struct item item;
	unsigned n = 0;

	while (items.left > 0) {
		if (!take_item(&items, &item))
			return wrong(r, "an item beyond user information");
		if (++n > PRECHECK_USER_ITEMS)
			return exceeds(r, "too many user items");
		if (!check_user_item(r, &item))
			return false;
	}
	return true;
}

static bool
check_user_item(struct request *r, const struct item *item)
{
	const struct user_item *known = user_items;
	const struct user_item *end =
	    known + sizeof(user_items) / sizeof(user_items[0]);

	while (known < end && known->type != item->type)
		known++;
	if (known == end)
		return true;
	if (known->once && r->user[item->type])
		return wrong(r, "a user item twice that may be there once");
	r->user[item->type] = true;
	if (item->body.left < known->min || item->body.left > known->max ||
	    (known->is_whole != NULL && !known->is_whole(item->body)))
		return wrong(r, "a user item of a wrong length");
	return true;
}

/* By its size, and as it does not end earlier for who looks for a NUL; what it
 * says others judge. */
static bool
is_uid(struct span body)
{
	if (body.left == 0 || body.left > UID_MAX)
		return false;
	while (body.left > 0 && body.at[body.left - 1] == '\0')
		body.left--;
	return memchr(body.at, '\0', body.left) == NULL;
}

/* PS3.7 D.3.3.4: class, SCU role, SCP role */
static bool
is_role(struct span body)
{
	return take_counted(&body, UID_MAX) && body.left == 2;
}

/* PS3.7 D.3.3.5: class, and what the class makes of the rest */
static bool
is_extended(struct span body)
{
	return take_counted(&body, UID_MAX);
}

/* PS3.7 D.3.3.6: class, service class, related classes; reserved bytes */
static bool
is_common_extended(struct span body)
{
	return take_counted(&body, UID_MAX) && take_counted(&body, UID_MAX) &&
	       take_counted(&body, UINT16_MAX);
}

/* PS3.7 D.3.3.7: type, response wanted, primary field, secondary field */
static bool
is_identity(struct span body)
{
	struct span fixed;

	return take(&body, 2, &fixed) && take_counted(&body, UINT16_MAX) &&
	       take_counted(&body, UINT16_MAX) && body.left == 0;
}

static bool
take(struct span *from, size_t bytes, struct span *part)
{
	if (from->left < bytes)
		return false;
	*part = (struct span){from->at, bytes};
	from->at += bytes;
	from->left -= bytes;
	return true;
}

/* A field behind its length. */
static bool
take_counted(struct span *from, size_t most)
{
	struct span count, field;

	return take(from, 2, &count) && number(count.at, 2) <= most &&
	       take(from, number(count.at, 2), &field);
}

static bool
take_item(struct span *from, struct item *item)
{
	struct span header;

	if (!take(from, ITEM_HEADER, &header))
		return false;
	item->type = header.at[0];
	return take(from, number(header.at + 2, 2), &item->body);
}

/* Big endian. */
static size_t
number(const uint8_t *at, size_t bytes)
{
	size_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *at++;
	return value;
}
