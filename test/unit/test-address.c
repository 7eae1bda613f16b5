// SPDX-License-Identifier: MIT
#include "workshop/address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include "unit.h"

static const char *refusal(const char *text)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in  in4 = { .sin_family = AF_INET };
    char                shown[ADDRESS_SHOW_MAX];

    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
        assert_string_equal(address_show(shown, (struct sockaddr *)&in4), text);
        return address_refusal((struct sockaddr *)&in4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return address_refusal((struct sockaddr *)&in6);
}

static void test_public_addresses(void **state)
{
    static const char *const texts[] = {
        "1.1.1.1",           "9.9.9.9",         "9.255.255.255",  "11.0.0.0",      "100.63.255.255",
        "100.128.0.0",       "126.255.255.255", "128.0.0.1",      "168.63.129.15", "168.63.129.17",
        "169.253.255.255",   "169.255.0.0",     "172.15.255.255", "172.32.0.0",    "192.0.1.0",
        "192.167.255.255",   "192.169.0.0",     "198.17.255.255", "198.20.0.0",    "203.0.113.7",
        "223.255.255.255",   "2600::1",         "2001:1::1",      "2001:db8:7::7", "2003::1",
        "2a00:1450:4001::1", "64:ff9a:ffff::1", "64:ff9b:2::",    "fbff::1",       "101::1",
        "100:0:0:1::",
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(texts); i++)
        if (refusal(texts[i]))
            fail_msg("%s is refused: %s", texts[i], refusal(texts[i]));
}

static void test_all_others(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "0.0.0.0", "this machine" },
        { "0.255.255.255", "this machine" },
        { "10.0.0.0", "a private network" },
        { "10.255.255.255", "a private network" },
        { "100.64.0.0", "a private network" },
        { "100.100.100.200", "the metadata service of a cloud" },
        { "100.127.255.255", "a private network" },
        { "127.0.0.1", "this machine" },
        { "127.255.255.255", "this machine" },
        { "168.63.129.16", "the metadata service of a cloud" },
        { "169.254.0.0", "the network at hand alone" },
        { "169.254.169.254", "the metadata service of a cloud" },
        { "169.254.255.255", "the network at hand alone" },
        { "172.16.0.0", "a private network" },
        { "172.31.255.255", "a private network" },
        { "192.0.0.192", "reserved" },
        { "192.88.99.1", "an IPv4 address in disguise" },
        { "192.168.0.0", "a private network" },
        { "192.168.255.255", "a private network" },
        { "198.18.0.0", "a private network" },
        { "198.19.255.255", "a private network" },
        { "224.0.0.1", "many receivers at once" },
        { "239.255.255.255", "many receivers at once" },
        { "240.0.0.0", "reserved" },
        { "255.255.255.255", "reserved" },
        { "::", "this machine" },
        { "::1", "this machine" },
        { "::2", "an IPv4 address in disguise" },
        { "::10.0.0.1", "an IPv4 address in disguise" },
        { "::ffff:0.0.0.0", "an IPv4 address in disguise" },
        { "::ffff:127.0.0.1", "an IPv4 address in disguise" },
        { "::ffff:1.1.1.1", "an IPv4 address in disguise" },
        { "64:ff9b::7f00:1", "an IPv4 address in disguise" },
        { "64:ff9b:1:ffff::", "an IPv4 address in disguise" },
        { "100::1", "reserved" },
        { "2001:0:ffff::1", "an IPv4 address in disguise" },
        { "2002:7f00:1::", "an IPv4 address in disguise" },
        { "fc00::1", "a private network" },
        { "fdff:ffff::1", "a private network" },
        { "fd00:ec2::254", "the metadata service of a cloud" },
        { "fe80::1", "the network at hand alone" },
        { "febf::1", "the network at hand alone" },
        { "fec0::1", "a private network" },
        { "feff::1", "a private network" },
        { "ff02::1", "many receivers at once" },
    };
    struct sockaddr other = { .sa_family = AF_UNIX };
    char            shown[ADDRESS_SHOW_MAX];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const char *found = refusal(cases[i].text);
        if (!found || strcmp(found, cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].text, found ? found : "is public");
    }
    assert_string_equal(address_refusal(&other), "no address of the internet");
    assert_string_equal(address_show(shown, &other), "?");
}

// Whatever the packet filter of the unit forbids is forbidden here as well.
static void test_the_unit_says_the_same(void **state)
{
    AUTO_FD           fd = open(UNITS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(freep) char *text = NULL;
    struct error      err = { 0 };
    unsigned          n_networks = 0;
    char             *rest;

    (void)state;
    if (fd_read_file(&text, NULL, fd, "left4me-workshop@.service", 65536, &err) < 0)
        fail_msg("%s", err.message);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *rest_of_line;
        if (strncmp(line, "IPAddressDeny=", 14) != 0)
            continue;
        for (char *word = strtok_r(line + 14, " ", &rest_of_line); word;
             word = strtok_r(NULL, " ", &rest_of_line)) {
            char *slash = strchr(word, '/');
            if (strcmp(word, "localhost") == 0 || strcmp(word, "link-local") == 0 ||
                strcmp(word, "multicast") == 0)
                continue; // in the rows above
            if (slash)
                *slash = '\0';
            if (!refusal(word))
                fail_msg("%s is refused by the unit alone", word);
            n_networks++;
        }
    }
    assert_true(n_networks >= 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_addresses),
        cmocka_unit_test(test_all_others),
        cmocka_unit_test(test_the_unit_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
