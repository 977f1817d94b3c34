/*
 * Who may connect, which route takes what, which transfer syntax is chosen.
 */
#include "../receiver/route.h"
#include "test.h"

#define CT	 "1.2.840.10008.5.1.4.1.1.2"
#define MR	 "1.2.840.10008.5.1.4.1.1.4"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define IMPLICIT "1.2.840.10008.1.2"
#define BIG	 "1.2.840.10008.1.2.2"
#define JPEG	 "1.2.840.10008.1.2.4.50"

static char *any[] = {"*"};
static char *ct_titles[] = {"CT-?", "JD SCU"};
static char *ct_classes[] = {"1.2.840.10008.5.1.4.1.1.2", "1.3.12.*"};
static char *extra[] = {"1.3.12.2.1107.5.9.1"};

static struct conf_route routes[] = {
    {.remote_aet = {ct_titles, 2},
	.local_aet = {any, 1},
	.peer = {any, 1},
	.peer_certificate = {any, 1},
	.sop_class = {ct_classes, 2}},
    {.remote_aet = {any, 1},
	.local_aet = {any, 1},
	.peer = {any, 1},
	.peer_certificate = {any, 1},
	.sop_class = {any, 1}},
};

static const struct conf_route *
find(const struct conf *conf, const char *calling, const char *called,
    const char *sop_class)
{
	const struct route_peer peer = {calling, called, "192.0.2.1", NULL};

	return route_find(conf, &peer, sop_class);
}

static void
titles(void)
{
	static const struct {
		const char *title;
		bool matches_some, matches_any;
	} cases[] = {
	    {"CT-1", true, true},
	    {"JD SCU", true, true},
	    {"CT-12", false, true},
	    {"ct-1", false, true},
	    {"", false, false},
	    {"CT-\n", false, false},
	    {"CT-\\", false, false},
	    {"CT-\x7f", false, false},
	    {"CT-\x1b", false, false},
	};
	const struct conf_patterns some = {ct_titles, 2}, all = {any, 1};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(route_title_matches(&some, cases[i].title),
		    cases[i].matches_some);
		CU_ASSERT_EQUAL(route_title_matches(&all, cases[i].title),
		    cases[i].matches_any);
	}
}

static void
first_match_wins(void)
{
	const struct conf both = {.routes = routes, .routes_n = 2};
	const struct conf first = {.routes = routes, .routes_n = 1};

	CU_ASSERT_PTR_EQUAL(find(&both, "CT-1", "GW", CT), &routes[0]);
	CU_ASSERT_PTR_EQUAL(find(&both, "CT-1", "GW", MR), &routes[1]);
	CU_ASSERT_PTR_EQUAL(find(&both, "MR", "GW", CT), &routes[1]);
	CU_ASSERT_PTR_NULL(find(&first, "MR", "GW", CT));
	CU_ASSERT_PTR_NULL(find(&first, "CT-1", "GW", MR));
	CU_ASSERT_PTR_NULL(find(&first, "CT-1", "", CT));
	CU_ASSERT(route_is_for(
	    &routes[0], &(struct route_peer){"CT-1", "GW", "192.0.2.1", NULL}));
	CU_ASSERT_FALSE(route_is_for(&routes[0],
	    &(struct route_peer){"CT-11", "GW", "192.0.2.1", NULL}));
}

static void
who_may(void)
{
	static char *ours[] = {"10.1.0.0/16", "2001:db8::/32"};
	static char *ct[] = {"ct1.example.org"};
	struct conf_route list[] = {routes[0], routes[0]};
	const struct conf conf = {.routes = list, .routes_n = 2};
	const struct peer_certificate shown = {
	    .names = {"other", "CT1.example.org"}, .names_n = 2};
	struct route_peer peer = {"CT-1", "GW", "10.2.0.1", &shown};

	list[0].peer = (struct conf_patterns){ours, 2};
	list[1].peer = list[0].peer;
	list[1].peer_certificate = (struct conf_patterns){ct, 1};
	CU_ASSERT_EQUAL(route_welcomes(&conf, &peer), ROUTE_NOT_FROM_THERE);
	CU_ASSERT_PTR_NULL(route_find(&conf, &peer, CT));
	peer.address = "10.1.255.255";
	CU_ASSERT_EQUAL(route_welcomes(&conf, &peer), ROUTE_WELCOME);
	CU_ASSERT_PTR_EQUAL(route_find(&conf, &peer, CT), &list[0]);
	list[0].peer_certificate = (struct conf_patterns){ct, 1};
	CU_ASSERT_PTR_EQUAL(route_find(&conf, &peer, CT), &list[0]);
	peer.certificate = NULL;
	CU_ASSERT_EQUAL(route_welcomes(&conf, &peer), ROUTE_NOT_WITH_THAT);
	peer.calling = "MR";
	CU_ASSERT_EQUAL(route_welcomes(&conf, &peer), ROUTE_WELCOME);
	CU_ASSERT_PTR_NULL(route_find(&conf, &peer, CT));
}

static void
storage_classes(void)
{
	static const struct {
		const char *uid;
		bool is_storage;
	} cases[] = {
	    {CT, true},
	    {"1.2.840.10008.5.1.4.1.1.5", true}, /* retired */
	    {"1.2.840.10008.5.1.4.1.1.88.999", true},
	    {"1.2.840.10008.5.1.1.29", true},	/* retired, elsewhere */
	    {"1.2.840.10008.5.1.4.38.1", true}, /* hanging protocol */
	    {"1.3.12.2.1107.5.9.1", true},	/* ExtraSOPClasses */
	    {"1.3.12.2.1107.5.9.11", false},
	    {"1.2.840.10008.1.1", false},	    /* verification */
	    {"1.2.840.10008.5.1.4.1.2.2.1", false}, /* find */
	    {"1.2.840.10008.5.1.4.1.1.", false},
	    {"1.2.840.10008.5.1.4.1.1", false},
	    {"1.2.840.10008.5.1.4.1.1.2/../x", false},
	    {"", false},
	};
	const struct conf conf = {.receiver.extra_sop_classes = {extra, 1}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(
		    route_is_storage(&conf, cases[i].uid), cases[i].is_storage);
}

static void
transfer_syntaxes(void)
{
	static const struct {
		const char *offered[4];
		size_t n;
		const char *chosen;
	} cases[] = {
	    {{IMPLICIT, EXPLICIT}, 2, EXPLICIT},
	    {{JPEG, IMPLICIT}, 2, IMPLICIT},
	    {{JPEG, BIG, EXPLICIT}, 3, EXPLICIT},
	    {{JPEG, BIG}, 2, JPEG},
	    {{BIG}, 1, BIG},
	    {{"2.25.999"}, 1, "2.25.999"},
	    {{"no UID", BIG}, 2, BIG},
	    {{"no UID", ""}, 2, NULL},
	    {{0}, 0, NULL},
	};
	const char *chosen;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		chosen = route_transfer_syntax(cases[i].offered, cases[i].n);
		CU_ASSERT_EQUAL(chosen == NULL, cases[i].chosen == NULL);
		if (chosen != NULL && cases[i].chosen != NULL)
			CU_ASSERT_STRING_EQUAL(chosen, cases[i].chosen);
	}
}

static const struct test_case cases[] = {{"AE titles", titles},
    {"the first route that matches", first_match_wins},
    {"who may use which titles", who_may}, {"what is storage", storage_classes},
    {"the choice of a transfer syntax", transfer_syntaxes}, {0}};
TEST_SUITE(route, cases)
