/*
 * spool/peer.c: networks, hosts, certificates.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/peer.h"
#include "test.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static bool
matches(const char *entry, const char *address)
{
	char text[64], *pattern[] = {text};
	const struct conf_patterns list = {pattern, 1};

	(void)snprintf(text, sizeof(text), "%s", entry);
	return peer_address_matches(&list, address);
}

static void
networks(void)
{
	static const struct {
		const char *entry, *address;
		bool wanted;
	} cases[] = {
	    {"*", "192.0.2.1", true},
	    {"*", "::1", true},
	    {"*", "unknown", true},
	    {"0.0.0.0/0", "192.0.2.1", true},
	    {"0.0.0.0/0", "::1", false},
	    {"0.0.0.0/0", "unknown", false},
	    {"::/0", "::1", true},
	    {"::/0", "192.0.2.1", false},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"192.0.2.0/31", "192.0.2.1", true},
	    {"192.0.2.0/31", "192.0.2.2", false},
	    {"10.128.0.0/9", "10.255.1.1", true},
	    {"10.128.0.0/9", "10.127.1.1", false},
	    {"2001:db8::/32", "2001:db8:ffff::1", true},
	    {"2001:db8::/32", "2001:db9::1", false},
	    {"2001:db8::1", "2001:DB8:0::1", true},
	    {"fe80::/10", "fe80::1%eth0", true},
	    {"::1/128", "::1", true},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(
		    matches(cases[i].entry, cases[i].address), cases[i].wanted);
}

static void
network_problems(void)
{
	static const char *const good[] = {"*", "10.0.0.0/8", "10.1.2.3",
	    "10.1.2.3/32", "0.0.0.0/0", "::/0", "::1", "2001:db8::/32"};
	static const char *const bad[] = {"", "10.0.0.0/", "10.0.0.0/33",
	    "10.0.0.0/+8", "10.0.0.0/8 ", "10.0.0", "10.0.0.0/8/8", "ct1",
	    "10.0.0.1/8", "2001:db8::1/32", "::/129", "fe80::1%eth0", "/8",
	    "10.0.0.0/0008", "**",
	    "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8"};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT_PTR_NULL(peer_network_problem(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(peer_network_problem(bad[i]));
}

static void
hosts(void)
{
	CU_ASSERT_TRUE(peer_same_host("192.0.2.1", "192.0.2.1"));
	CU_ASSERT_FALSE(peer_same_host("192.0.2.1", "192.0.2.2"));
	CU_ASSERT_TRUE(peer_same_host("2001:db8::1", "2001:db8::ffff:0:0:2"));
	CU_ASSERT_FALSE(peer_same_host("2001:db8::1", "2001:db8:0:1::1"));
	CU_ASSERT_FALSE(peer_same_host("::1", "0.0.0.0"));
	CU_ASSERT_TRUE(peer_same_host("unknown", "unknown"));
}

/* As numbers: the same for those that are one, and never 0. */
static void
numbers(void)
{
	static const char *const other[] = {"192.0.2.1", "192.0.2.2", "0.0.0.0",
	    "255.255.255.255", "2001:db8::1", "2001:db8:0:1::1", "fe80::1%eth0",
	    "ffff:ffff:ffff:ffff::1", "::1"};
	uint64_t host[sizeof(other) / sizeof(other[0])], again;
	size_t i, k;

	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		CU_ASSERT_TRUE(peer_host(other[i], &host[i]));
		CU_ASSERT_NOT_EQUAL(host[i], 0);
		for (k = 0; k < i; k++)
			CU_ASSERT_NOT_EQUAL(host[i], host[k]);
	}
	CU_ASSERT_TRUE(peer_host("2001:db8::ffff:0:0:2", &again));
	CU_ASSERT_EQUAL(again, host[4]);
	CU_ASSERT_FALSE(peer_host("", &again));
	CU_ASSERT_FALSE(peer_host("unknown", &again));
	CU_ASSERT_FALSE(peer_host("192.0.2.1:104", &again));
}

static void
certificates(void)
{
	static const struct peer_certificate shown = {
	    .fingerprint = "sha256:" HEX,
	    .names = {"CT1", "ct1.example.org", "192.0.2.1"},
	    .names_n = 3};
	static const struct {
		const char *entry;
		bool wanted, wanted_of_none;
	} cases[] = {
	    {"*", true, true},
	    {"?*", true, false},
	    {"ct1", true, false},
	    {"CT?", true, false},
	    {"ct", false, false},
	    {"*.Example.org", true, false},
	    {"example.org", false, false},
	    {"192.0.2.*", true, false},
	    {"sha256:" HEX, true, false},
	    {"SHA256:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:"
	     "33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
		true, false},
	    {"sha256:10112233445566778899aabbccddeeff00112233445566778899aabbcc"
	     "ddeeff",
		false, false},
	};
	char text[160], *pattern[] = {text};
	const struct conf_patterns list = {pattern, 1};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", cases[i].entry);
		CU_ASSERT_PTR_NULL(peer_certificate_problem(text));
		CU_ASSERT_EQUAL(
		    peer_certificate_matches(&list, &shown), cases[i].wanted);
		CU_ASSERT_EQUAL(peer_certificate_matches(&list, NULL),
		    cases[i].wanted_of_none);
	}
}

static void
certificate_problems(void)
{
	static const char *const bad[] = {"sha256:", "sha256:00",
	    "sha256:" HEX "0", "sha256:zz" HEX, "sha256:" HEX ";", "a\nb",
	    "a\\b"};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(peer_certificate_problem(bad[i]));
}

static const struct test_case cases[] = {{"networks", networks},
    {"what is no network", network_problems}, {"what is one host", hosts},
    {"what number a host has", numbers}, {"certificates", certificates},
    {"what is no certificate", certificate_problems}, {0}};
TEST_SUITE(peer, cases)
