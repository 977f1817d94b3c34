/*
 * How often one peer may come: a burst, a rate, and less of it for who gets
 * nowhere.
 */
#include <stdio.h>

#include "../receiver/pace.h"
#include "test.h"

#define RATE  100
#define US    1000000
#define BURST (RATE * PACE_CREDIT_US / US)

static int
take_all(struct pace *pace, const char *peer, int64_t now_us)
{
	int n = 0;

	while (pace_take(pace, peer, RATE, now_us))
		n++;
	return n;
}

static void
burst_and_rate(void)
{
	struct pace pace = {0};

	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", 5 * US), BURST);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.2", 5 * US), BURST);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", 5 * US), 0);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", 6 * US), RATE);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", 60 * US), BURST);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", 60 * US + US / RATE), 1);
}

static void
failures(void)
{
	struct pace pace = {0};
	int n = 0;

	while (pace_take(&pace, "192.0.2.1", RATE, US)) {
		pace_charge_failure(&pace, "192.0.2.1", RATE, US);
		n++;
	}
	CU_ASSERT_EQUAL(n, (BURST + PACE_FAILURE_COST - 1) / PACE_FAILURE_COST);
	/* It is not kept out for longer than that. */
	for (n = 0; n < 1000; n++)
		pace_charge_failure(&pace, "192.0.2.1", RATE, US);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", 10 * US), 0);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.1", US + PACE_DEBT_US), BURST);
	CU_ASSERT_EQUAL(take_all(&pace, "192.0.2.2", US), BURST);
}

static void
more_peers_than_are_remembered(void)
{
	struct pace pace = {0};
	char peer[ENVELOPE_PEER_SIZE];
	int i;

	(void)take_all(&pace, "192.0.2.1", US);
	for (i = 0; i < 4 * PACE_PEERS; i++) {
		(void)snprintf(peer, sizeof(peer), "2001:db8:0:%x::1", i);
		CU_ASSERT_TRUE(pace_take(&pace, peer, RATE, US));
	}
	/* Who owes most is forgotten last. */
	CU_ASSERT_FALSE(pace_take(&pace, "192.0.2.1", RATE, US));
}

static void
one_host(void)
{
	struct pace pace = {0};

	(void)take_all(&pace, "2001:db8::1", US);
	CU_ASSERT_FALSE(pace_take(&pace, "2001:db8::2", RATE, US));
	CU_ASSERT_TRUE(pace_take(&pace, "2001:db8:0:1::1", RATE, US));
}

static const struct test_case cases[] = {
    {"a burst, and a rate", burst_and_rate}, {"failures cost more", failures},
    {"a host of IPv6", one_host},
    {"more peers than are remembered", more_peers_than_are_remembered}, {0}};
TEST_SUITE(pace, cases)
