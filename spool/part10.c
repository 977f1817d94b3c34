/*
 * Group 0002, explicit VR little endian (PS3.10 7.1, PS3.5 7.1.2).
 *
 * Errors: ERR_CORRUPT with what is wrong with the file.
 */
#include <stdbool.h>
#include <string.h>

#include "part10.h"

#define PREAMBLE_SIZE	   128
#define META_START	   (PREAMBLE_SIZE + 4) /* behind "DICM" */
#define GROUP_LENGTH_SIZE  12
#define AET_PADDED_SIZE	   16
#define ELEMENT_SHORT_SIZE 8  /* tag, VR, 16-bit length */
#define ELEMENT_LONG_SIZE  12 /* tag, VR, reserved, 32-bit length */

struct meta_writer {
	uint8_t *out;
	size_t used;
	bool full;
};

struct element {
	uint16_t group, element;
	const uint8_t *value;
	size_t size;
};

static void put(struct meta_writer *w, const void *data, size_t size);
static void put_head(
    struct meta_writer *w, uint16_t element, const char *vr, size_t size);
static void put_uid(struct meta_writer *w, uint16_t element, const char *uid);
static void put_aet(struct meta_writer *w, uint16_t element, const char *aet);
static int next_element(
    const uint8_t *data, size_t size, size_t *cursor, struct element *e);
static int take_element(
    const struct element *e, struct part10 *p, struct err *err);
static void take_aet(const struct element *e, char out[ENVELOPE_AET_SIZE]);
static int take_uid(const struct element *e, const char *what,
    char out[NAME_UID_SIZE], struct err *err);
static uint32_t get_le(const uint8_t *at, int bytes);
static void put_le32(uint8_t *at, uint32_t value);

int
part10_pack(const struct part10 *p, uint8_t out[PART10_SIZE], size_t *size,
    struct err *err)
{
	static const uint8_t version[2] = {0, 1};
	char envelope[ENVELOPE_SIZE];
	struct meta_writer w = {.out = out};

	if (envelope_pack(&p->envelope, envelope, err) == -1)
		return -1;
	memset(out, 0, PREAMBLE_SIZE);
	w.used = PREAMBLE_SIZE;
	put(&w, "DICM", 4);
	put_head(&w, 0x0000, "UL", 4);
	put(&w, "\0\0\0", 4);
	put_head(&w, 0x0001, "OB", sizeof(version));
	put(&w, version, sizeof(version));
	put_uid(&w, 0x0002, p->sop_class);
	put_uid(&w, 0x0003, p->sop_instance);
	put_uid(&w, 0x0010, p->transfer_syntax);
	put_uid(&w, 0x0012, PART10_IMPLEMENTATION_UID);
	put_head(&w, 0x0013, "SH", sizeof(PART10_IMPLEMENTATION_VERSION) - 1);
	put(&w, PART10_IMPLEMENTATION_VERSION,
	    sizeof(PART10_IMPLEMENTATION_VERSION) - 1);
	put_aet(&w, 0x0016, p->envelope.calling_aet);
	put_aet(&w, 0x0017, p->envelope.calling_aet);
	put_aet(&w, 0x0018, p->envelope.called_aet);
	put_uid(&w, 0x0100, PART10_PRIVATE_CREATOR_UID);
	put_head(&w, 0x0102, "OB", ENVELOPE_SIZE);
	put(&w, envelope, ENVELOPE_SIZE);
	if (w.full)
		return err_set(err, ERR_BUG, "file meta information too long");
	put_le32(out + META_START + ELEMENT_SHORT_SIZE,
	    (uint32_t)(w.used - META_START - GROUP_LENGTH_SIZE));
	*size = w.used;
	return 0;
}

int
part10_unpack(
    const uint8_t *data, size_t size, struct part10 *p, struct err *err)
{
	size_t cursor = META_START, end;
	struct element e;

	*p = (struct part10){.has_envelope = false};
	if (size < META_START || memcmp(data + PREAMBLE_SIZE, "DICM", 4) != 0)
		return err_set(err, ERR_CORRUPT, "no DICOM Part 10 file");
	if (next_element(data, size, &cursor, &e) == -1 || e.group != 0x0002 ||
	    e.element != 0x0000 || e.size != 4)
		return err_set(err, ERR_CORRUPT,
		    "file meta information without group length (0002,0000)");
	end = cursor + get_le(e.value, 4);
	if (end > size)
		return err_set(err, ERR_CORRUPT,
		    "file meta information does not end within %zu bytes",
		    size);
	while (cursor < end) {
		if (next_element(data, end, &cursor, &e) == -1 ||
		    e.group != 0x0002)
			return err_set(err, ERR_CORRUPT,
			    "file meta information: broken at byte %zu",
			    cursor);
		if (take_element(&e, p, err) == -1)
			return -1;
	}
	if (p->sop_class[0] == '\0' || p->sop_instance[0] == '\0' ||
	    p->transfer_syntax[0] == '\0')
		return err_set(err, ERR_CORRUPT,
		    "file meta information without SOP class (0002,0002), "
		    "instance (0002,0003) or transfer syntax (0002,0010)");
	p->data_set_offset = end;
	return 0;
}

static int
take_element(const struct element *e, struct part10 *p, struct err *err)
{
	int is_ours;

	switch (e->element) {
	case 0x0002:
		return take_uid(e, "SOP class", p->sop_class, err);
	case 0x0003:
		return take_uid(e, "SOP instance", p->sop_instance, err);
	case 0x0010:
		return take_uid(e, "transfer syntax", p->transfer_syntax, err);
	case 0x0016:
	case 0x0017:
		take_aet(e, p->calling_aet);
		return 0;
	case 0x0018:
		take_aet(e, p->called_aet);
		return 0;
	case 0x0102:
		is_ours = envelope_unpack(e->value, e->size, &p->envelope, err);
		p->has_envelope = is_ours == 1;
		return is_ours == -1 ? -1 : 0;
	default:
		return 0;
	}
}

/* What is no AE title (PS3.5 6.2) is as good as not there. */
static void
take_aet(const struct element *e, char out[ENVELOPE_AET_SIZE])
{
	const uint8_t *from = e->value;
	size_t size = e->size, i;

	while (size > 0 && (from[size - 1] == ' ' || from[size - 1] == '\0'))
		size--;
	for (; size > 0 && *from == ' '; size--)
		from++;
	if (size == 0 || size >= ENVELOPE_AET_SIZE)
		return;
	for (i = 0; i < size; i++)
		if (from[i] < 0x20 || from[i] >= 0x7f || from[i] == '\\')
			return;
	memcpy(out, from, size);
	out[size] = '\0';
}

static int
take_uid(const struct element *e, const char *what, char out[NAME_UID_SIZE],
    struct err *err)
{
	size_t size = e->size;

	while (size > 0 &&
	       (e->value[size - 1] == '\0' || e->value[size - 1] == ' '))
		size--;
	if (size >= NAME_UID_SIZE || memchr(e->value, '\0', size) != NULL)
		size = 0;
	memcpy(out, e->value, size);
	out[size] = '\0';
	if (!name_uid_valid(out))
		return err_set(err, ERR_CORRUPT,
		    "file meta information: %s UID (%04X,%04X) is none", what,
		    e->group, e->element);
	return 0;
}

/* One element of explicit VR little endian; *cursor goes behind it. */
static int
next_element(
    const uint8_t *data, size_t size, size_t *cursor, struct element *e)
{
	static const char long_vrs[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
	const uint8_t *at = data + *cursor;
	size_t rest = size - *cursor, head = ELEMENT_SHORT_SIZE;
	char vr[3] = {0};

	if (rest < ELEMENT_SHORT_SIZE)
		return -1;
	e->group = (uint16_t)get_le(at, 2);
	e->element = (uint16_t)get_le(at + 2, 2);
	memcpy(vr, at + 4, 2);
	if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z')
		return -1;
	e->size = get_le(at + 6, 2);
	if (strstr(long_vrs, vr) != NULL) {
		head = ELEMENT_LONG_SIZE;
		if (rest < head)
			return -1;
		e->size = get_le(at + 8, 4);
	}
	if (e->size > rest - head)
		return -1;
	e->value = at + head;
	*cursor += head + e->size;
	return 0;
}

static void
put(struct meta_writer *w, const void *data, size_t size)
{
	if (size > PART10_SIZE - w->used) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->used, data, size);
	w->used += size;
}

static void
put_head(struct meta_writer *w, uint16_t element, const char *vr, size_t size)
{
	uint8_t head[ELEMENT_LONG_SIZE] = {0x02, 0x00};
	bool is_long = strcmp(vr, "OB") == 0;

	head[2] = (uint8_t)element;
	head[3] = (uint8_t)(element >> 8);
	memcpy(head + 4, vr, 2);
	if (is_long)
		put_le32(head + 8, (uint32_t)size);
	else {
		head[6] = (uint8_t)size;
		head[7] = (uint8_t)(size >> 8);
	}
	put(w, head, is_long ? ELEMENT_LONG_SIZE : ELEMENT_SHORT_SIZE);
}

static void
put_uid(struct meta_writer *w, uint16_t element, const char *uid)
{
	size_t size = strlen(uid);

	put_head(w, element, "UI", size + size % 2);
	put(w, uid, size + size % 2); /* padded with its own NUL */
}

static void
put_aet(struct meta_writer *w, uint16_t element, const char *aet)
{
	char padded[AET_PADDED_SIZE];

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, aet, strnlen(aet, sizeof(padded)));
	put_head(w, element, "AE", sizeof(padded));
	put(w, padded, sizeof(padded));
}

static uint32_t
get_le(const uint8_t *at, int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static void
put_le32(uint8_t *at, uint32_t value)
{
	int i;

	for (i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}
