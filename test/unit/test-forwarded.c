// SPDX-License-Identifier: MIT
#include "http/address.h"
#include "unit.h"

#include <arpa/inet.h>
#include <sys/un.h>
#include "base/macros.h"

static struct http_proxies proxies_of(const char *list)
{
    struct http_proxies proxies = { 0 };
    struct error        err = { 0 };
    char                copy[512], *rest = NULL;

    snprintf(copy, sizeof copy, "%s", list);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (http_proxies_add(&proxies, word, &err) < 0)
            fail_msg("%s", err.message);
    return proxies;
}

// "unix", or an address as a socket of its family has it.
static struct http_address peer_of(const char *text)
{
    struct sockaddr_in  v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_un  local = { .sun_family = AF_UNIX };
    struct http_address address;

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        http_address_of(&address, (const struct sockaddr *)&v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        http_address_of(&address, (const struct sockaddr *)&v6);
    else
        http_address_of(&address, (const struct sockaddr *)&local);
    return address;
}

static void test_the_client(void **state)
{
    static const struct {
        const char *proxies, *peer, *forwarded, *want;
    } cases[] = {
        // Nobody is believed.
        { "", "192.0.2.1", "198.51.100.7", "192.0.2.1" },
        { "", "unix", "198.51.100.7", "local" },
        { "127.0.0.1", "192.0.2.1", "198.51.100.7", "192.0.2.1" },
        { "unix", "127.0.0.1", "198.51.100.7", "127.0.0.1" },
        // One proxy.
        { "127.0.0.1", "127.0.0.1", NULL, "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "198.51.100.7", "198.51.100.7" },
        { "127.0.0.1", "127.0.0.1", " 198.51.100.7\t", "198.51.100.7" },
        { "127.0.0.1", "127.0.0.1", "2001:db8::7", "2001:db8::7" },
        { "127.0.0.1", "127.0.0.1", "[2001:db8::7]", "2001:db8::7" },
        { "127.0.0.1", "127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7" },
        { "127.0.0.1", "127.0.0.1", "198.51.100.7:4711", "198.51.100.7" },
        { "127.0.0.1", "127.0.0.1", "::ffff:198.51.100.7", "198.51.100.7" },
        { "unix", "unix", "198.51.100.7", "198.51.100.7" },
        { "::1", "::1", "198.51.100.7", "198.51.100.7" },
        { "127.0.0.1", "::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7" },
        { "::ffff:127.0.0.1", "127.0.0.1", "198.51.100.7", "198.51.100.7" },
        // What the client says himself stands before.
        { "127.0.0.1", "127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7" },
        { "127.0.0.1", "127.0.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7" },
        { "127.0.0.1", "127.0.0.1", "\" , 198.51.100.7", "198.51.100.7" },
        // Several proxies.
        { "127.0.0.1 10.0.0.0/8", "127.0.0.1", "198.51.100.7, 10.1.2.3", "198.51.100.7" },
        { "127.0.0.1 10.0.0.0/8", "127.0.0.1", "198.51.100.7,10.1.2.3,10.200.0.1", "198.51.100.7" },
        { "127.0.0.1 10.0.0.0/8", "127.0.0.1", "198.51.100.7, 11.1.2.3", "11.1.2.3" },
        { "unix 2001:db8::/33", "unix", "198.51.100.7, 2001:db8:7fff::1", "198.51.100.7" },
        { "unix 2001:db8::/33", "unix", "198.51.100.7, 2001:db8:8000::1", "2001:db8:8000::1" },
        { "0.0.0.0/0", "127.0.0.1", "2001:db8::7, 198.51.100.7", "2001:db8::7" },
        { "0.0.0.0/0", "2001:db8::7", "198.51.100.7", "2001:db8::7" },
        { "::/0", "127.0.0.1", "198.51.100.7, 198.51.100.8", "198.51.100.7" },
        // All of them are.
        { "10.0.0.0/8", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2" },
        // What is no address ends the list.
        { "127.0.0.1", "127.0.0.1", "unknown", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "198.51.100.7, unknown", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "198.51.100.7, ", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "198.51.100.7.", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "[198.51.100.7", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "[", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "[]", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", ":", "127.0.0.1" },
        { "127.0.0.1", "127.0.0.1", "unix", "127.0.0.1" },
        { "127.0.0.1 10.0.0.0/8", "127.0.0.1", "198.51.100.7, x, 10.0.0.1", "10.0.0.1" },
        { "127.0.0.1", "127.0.0.1",
          "198.51.100.7                                                     198.51.100.7",
          "127.0.0.1" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct http_proxies proxies = proxies_of(cases[i].proxies);
        struct http_address peer = peer_of(cases[i].peer), client;
        size_t              n = cases[i].forwarded ? strlen(cases[i].forwarded) : 0;
        AUTO(freep) char   *copy = malloc(n + !n); // exact
        struct http_text    list = { cases[i].forwarded ? copy : NULL, n };
        char                text[HTTP_ADDRESS_MAX];
        memcpy(copy, cases[i].forwarded ? cases[i].forwarded : "", n);
        http_address_client(&client, &proxies, &peer, list);
        http_address_text(text, &client);
        if (strcmp(text, cases[i].want) != 0)
            fail_msg("%zu: '%s' of '%s' from %s", i, text, cases[i].forwarded, cases[i].peer);
    }
}

// However many a client invents, only so many are looked at.
static void test_a_long_list(void **state)
{
    struct http_proxies proxies = proxies_of("10.0.0.0/8");
    struct http_address peer = peer_of("10.0.0.1"), client;
    char                list[1024] = "198.51.100.7", text[HTTP_ADDRESS_MAX];

    (void)state;
    for (unsigned i = 0; i < 2 * HTTP_HOPS_MAX; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), ", 10.0.0.%u", i);
    http_address_client(&client, &proxies, &peer, (struct http_text){ list, strlen(list) });
    http_address_text(text, &client);
    assert_string_equal(text, "10.0.0.16");
}

static void test_what_is_no_proxy(void **state)
{
    static const char *const cases[] = {
        "",
        "localhost",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0/8",
        "2001:db8::/129",
        "10.0.0.0/8/8",
        "/8",
        "[::1]",
        "unix:/path",
        "10.0.0.1:80",
        "10.0.0.1 ",
        "Unix",
        "10.0.0.0/08x",
        "::1%lo",
        "1.2.3.4.5.6.7.8",
        "::ffff:1.2.3.4/129",
        "0123456789:0123456789:0123456789:0123456789:0123456789",
    };
    struct http_proxies proxies = { 0 };
    struct error        err;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (http_proxies_add(&proxies, cases[i], &err) == 0)
            fail_msg("'%s'", cases[i]);
    assert_int_equal(proxies.n, 0);
    for (unsigned i = 0; i < HTTP_PROXIES_MAX; i++)
        assert_int_equal(http_proxies_add(&proxies, "10.0.0.1", &err), 0);
    assert_int_equal(http_proxies_add(&proxies, "10.0.0.1", &err), -1);
    assert_int_equal(http_proxies_add(&proxies, "unix", &err), 0);
}

static void test_customers(void **state)
{
    static const struct {
        const char *one, *other;
        bool        want;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "2001:db8::1", "2001:db8::ffff:1", true },
        { "2001:db8::1", "2001:db8:0:1::1", false },
        { "unix", "unix", true },
        { "unix", "::", false },
        { "::", "0.0.0.0", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct http_address one = peer_of(cases[i].one), other = peer_of(cases[i].other);
        http_address_customer(&one, &one);
        http_address_customer(&other, &other);
        if (http_address_is(&one, &other) != cases[i].want)
            fail_msg("%s and %s", cases[i].one, cases[i].other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client),
        cmocka_unit_test(test_a_long_list),
        cmocka_unit_test(test_what_is_no_proxy),
        cmocka_unit_test(test_customers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
