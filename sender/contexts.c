/*
 * Presentation contexts, least recently used last.
 *
 * Errors: none.
 */
#include <string.h>

#include "../spool/command.h"
#include "contexts.h"

static size_t find(const struct contexts *contexts, const char *sop_class,
    const char *transfer_syntax);
static void fill(struct contexts_pair *pair, const char *sop_class,
    const char *transfer_syntax);

void
contexts_use(struct contexts *contexts, const char *sop_class,
    const char *transfer_syntax)
{
	size_t at = find(contexts, sop_class, transfer_syntax);

	if (at == contexts->n && contexts->n < CONTEXTS_MAX)
		contexts->n++;
	if (at == CONTEXTS_MAX)
		at--;
	(void)memmove(&contexts->pair[1], &contexts->pair[0],
	    at * sizeof(contexts->pair[0]));
	fill(&contexts->pair[0], sop_class, transfer_syntax);
}

void
contexts_offer(struct contexts *contexts, const char *sop_class,
    const char *transfer_syntax)
{
	size_t at = find(contexts, sop_class, transfer_syntax);

	if (at < contexts->n || contexts->n == CONTEXTS_MAX)
		return;
	fill(&contexts->pair[contexts->n++], sop_class, transfer_syntax);
}

size_t
contexts_list(const struct contexts *contexts,
    struct requestor_context out[REQUESTOR_MAX_CONTEXTS])
{
	size_t i;

	out[0] = (struct requestor_context){
	    COMMAND_VERIFICATION_CLASS, CONTEXTS_VERIFICATION_SYNTAX};
	for (i = 0; i < contexts->n; i++)
		out[i + 1] =
		    (struct requestor_context){contexts->pair[i].sop_class,
			contexts->pair[i].transfer_syntax};
	return contexts->n + 1;
}

static size_t
find(const struct contexts *contexts, const char *sop_class,
    const char *transfer_syntax)
{
	const struct contexts_pair *pair;
	size_t i;

	for (i = 0; i < contexts->n; i++) {
		pair = &contexts->pair[i];
		if (strcmp(pair->sop_class, sop_class) == 0 &&
		    strcmp(pair->transfer_syntax, transfer_syntax) == 0)
			break;
	}
	return i;
}

static void
fill(struct contexts_pair *pair, const char *sop_class,
    const char *transfer_syntax)
{
	(void)strncpy(pair->sop_class, sop_class, NAME_UID_SIZE - 1);
	pair->sop_class[NAME_UID_SIZE - 1] = '\0';
	(void)strncpy(
	    pair->transfer_syntax, transfer_syntax, NAME_UID_SIZE - 1);
	pair->transfer_syntax[NAME_UID_SIZE - 1] = '\0';
}
