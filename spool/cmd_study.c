/*
 * The Study Instance UID of a data set, for the operator's --study alone: the
 * daemons look into none. Reads forward as far as the bytes at hand go, in
 * explicit and implicit VR little endian (PS3.5 7.1); of another encoding it
 * says that it does not know.
 *
 * Errors: none; what is not understood is not found.
 */
#include <string.h>

#include "cmd_filter.h"

#define IMPLICIT_LE "1.2.840.10008.1.2"
#define EXPLICIT_BE "1.2.840.10008.1.2.2"
#define DEFLATED    "1.2.840.10008.1.2.1.99"

#define TAG_STUDY	 0x0020000DU
#define TAG_ITEM	 0xFFFEE000U
#define TAG_ITEM_END	 0xFFFEE00DU
#define TAG_SEQUENCE_END 0xFFFEE0DDU
#define UNDEFINED	 0xFFFFFFFFU

struct walk {
	const uint8_t *data;
	size_t size, at;
	bool implicit;
	unsigned depth; /* of sequences and items of undefined length */
};

struct head {
	uint32_t tag, size;
};

static bool read_head(struct walk *w, struct head *head);
static bool read_explicit(struct walk *w, struct head *head);
static uint32_t get(const uint8_t *at, int bytes);

int
cmd_study_find(const uint8_t *data, size_t size, const char *transfer_syntax,
    char study[NAME_UID_SIZE])
{
	struct walk w = {.data = data,
	    .size = size,
	    .implicit = strcmp(transfer_syntax, IMPLICIT_LE) == 0};
	struct head head;

	if (strcmp(transfer_syntax, EXPLICIT_BE) == 0 ||
	    strcmp(transfer_syntax, DEFLATED) == 0)
		return 0;
	while (read_head(&w, &head)) {
		if (head.tag == TAG_ITEM_END || head.tag == TAG_SEQUENCE_END) {
			if (w.depth == 0)
				return 0;
			w.depth--;
			continue;
		}
		if (head.size == UNDEFINED) {
			w.depth++;
			continue;
		}
		if (head.size > w.size - w.at)
			return 0;
		if (w.depth == 0 && head.tag >= TAG_STUDY)
			break;
		w.at += head.size;
	}
	if (w.depth != 0 || w.at >= w.size || head.tag != TAG_STUDY ||
	    head.size >= NAME_UID_SIZE)
		return 0;
	(void)memcpy(study, w.data + w.at, head.size);
	study[head.size] = '\0';
	while (head.size > 0 && study[head.size - 1] == ' ')
		study[--head.size] = '\0';
	return name_uid_valid(study);
}

static bool
read_head(struct walk *w, struct head *head)
{
	const uint8_t *at = w->data + w->at;

	*head = (struct head){.tag = 0};
	if (w->size - w->at < 8)
		return false;
	head->tag = get(at, 2) << 16 | get(at + 2, 2);
	/* Items and their ends have no VR (PS3.5 7.5). */
	if (!w->implicit && head->tag >> 16 != 0xFFFE)
		return read_explicit(w, head);
	head->size = get(at + 4, 4);
	w->at += 8;
	return true;
}

static bool
read_explicit(struct walk *w, struct head *head)
{
	static const char long_vrs[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
	const uint8_t *at = w->data + w->at;
	char vr[3] = {(char)at[4], (char)at[5], '\0'};

	if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z')
		return false;
	if (strstr(long_vrs, vr) == NULL) {
		head->size = get(at + 6, 2);
		w->at += 8;
		return true;
	}
	if (w->size - w->at < 12)
		return false;
	head->size = get(at + 8, 4);
	w->at += 12;
	/* What is inside is implicit VR (PS3.5 6.2.2), and not walked. */
	return strcmp(vr, "UN") != 0 || head->size != UNDEFINED;
}

static uint32_t
get(const uint8_t *at, int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}
