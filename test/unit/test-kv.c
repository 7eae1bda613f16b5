// SPDX-License-Identifier: MIT
#include "pak/kv.h"
#include "unit.h"

// Parses an exact copy, so that a sanitizer sees a read behind it.
static int read_flags(struct kv **ret, const uint8_t *bytes, size_t n_bytes, unsigned flags,
                      struct error *err)
{
    AUTO(freep)
    uint8_t *copy = malloc(n_bytes + !n_bytes);

    memcpy(copy, bytes, n_bytes);
    return kv_read(ret, copy, n_bytes, flags, err);
}

static int parse(struct kv **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    return read_flags(ret, bytes, n_bytes, 0, err);
}

static void print_nodes(char *text, size_t n_text, const struct kv_node *node)
{
    for (; node; node = node->next) {
        size_t n = strlen(text);
        if (node->value) {
            snprintf(text + n, n_text - n, "%s=%s;", node->key, node->value);
            continue;
        }
        snprintf(text + n, n_text - n, "%s{", node->key);
        print_nodes(text, n_text, node->first);
        strncat(text, "}", n_text - strlen(text) - 1);
    }
}

static void test_texts_become_trees(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        const char    *want;
    } cases[] = {
        { BYTES(""), "" },
        { BYTES(" \r\n\t// only a comment"), "" },
        { BYTES("a b"), "a=b;" },
        { BYTES("\"a\" \"b\""), "a=b;" },
        { BYTES("\"a\"\"b\""), "a=b;" },
        { BYTES("a \"\""), "a=;" },
        { BYTES("a{b c}"), "a{b=c;}" },
        { BYTES("a{}"), "a{}" },
        { BYTES("a\n{\n b { c d } // x\n e f }g h"), "a{b{c=d;}e=f;}g=h;" },
        { BYTES("a \"x\\\"y\\\\z\\n\\t\\q\""), "a=x\"y\\z\n\t\\q;" },
        { BYTES("a \"c:\\path\\\""), NULL },
        { BYTES("a b [$X360]\nc d [!$WIN32||$LINUX]"), "a=b;c=d;" },
        { BYTES("a [$X360] { b c }"), "a{b=c;}" },
        { BYTES("\xef\xbb\xbfpath x"), "path=x;" },
        { BYTES("a \"line\nbreak\""), "a=line\nbreak;" },
        { BYTES("a b/c//d\ne f"), "a=b/c//d;e=f;" },
        { BYTES("a b\0c d"), "a=b;c=d;" },
        { BYTES("a"), NULL },
        { BYTES("a }"), NULL },
        { BYTES("}"), NULL },
        { BYTES("{ a b }"), NULL },
        { BYTES("a {"), NULL },
        { BYTES("a { b c"), NULL },
        { BYTES("a \"b"), NULL },
        { BYTES("a \"b\0c\""), NULL },
        { BYTES("a b [$X360"), NULL },
        { BYTES("a b [$X360\n]"), NULL },
        { BYTES("#include \"/etc/passwd\""), NULL },
        { BYTES("#base other.txt"), NULL },
        { BYTES("a b \"#Include\" c"), NULL },
        { BYTES("a { #base c } #other { }"), "a{#base=c;}#other{}" },
        { BYTES("a { b c } a { b d }\na e"), "a{b=c;}a{b=d;}a=e;" },
        { BYTES("a b{c\"d\"e f}"), NULL },
        { BYTES("a\"b\"c{d\"e\"f g}"), "a=b;c{d=e;f=g;}" },
        { BYTES("a \"\\\\\" b c"), "a=\\;b=c;" },
        { BYTES("a /* b c"), "a=/*;b=c;" },
        { BYTES("/ / // x\n"), "/=/;" },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(kv_freep)
        struct kv   *kv = NULL;
        struct error err = { 0 };
        char         text[256] = "";

        int r = parse(&kv, cases[i].bytes, cases[i].n_bytes, &err);
        if (r != (cases[i].want ? 0 : -1))
            fail_msg("case %zu: %s", i, r < 0 ? err.message : "was accepted");
        assert_int_equal(err.kind, cases[i].want ? ERROR_NONE : ERROR_INVALID);
        if (!cases[i].want)
            continue;
        print_nodes(text, sizeof text, kv_root(kv));
        assert_string_equal(text, cases[i].want);
    }
}

static void test_flags(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        unsigned       flags;
        const char    *want;  // NULL: refused
        const char    *fault; // NULL: none
    } cases[] = {
        { BYTES("a \"vgui\\new\""), KV_PLAIN, "a=vgui\\new;", NULL },
        { BYTES("a \"dir\\\" b c"), KV_PLAIN, "a=dir\\;b=c;", NULL },
        { BYTES("a \"\\\\\" b c"), KV_PLAIN, "a=\\\\;b=c;", NULL },
        { BYTES("a {"), KV_PLAIN, NULL, NULL },
        { BYTES("a b"), KV_TOLERANT, "a=b;", NULL },
        { BYTES(""), KV_TOLERANT, "", NULL },
        { BYTES("a {\n b c"), KV_TOLERANT, "a{b=c;}", "line 2: the text ends inside a block" },
        { BYTES("a { b { c d"), KV_TOLERANT, "a{b{c=d;}}", "line 1: the text ends inside a block" },
        { BYTES("a { b c } } d e"), KV_TOLERANT, "a{b=c;}", "line 1: a '}' too many" },
        { BYTES("a b\n{ c d }"), KV_TOLERANT, "a=b;", "line 2: a block without a key" },
        { BYTES("a { b } c"), KV_TOLERANT, "a{}", "line 1: a key without a value" },
        { BYTES("a b c \"d"), KV_TOLERANT, "a=b;", "line 1: the text ends inside a quoted string" },
        { BYTES("a b c [x\n d e"), KV_TOLERANT, "a=b;", "line 1: a conditional without its ']'" },
        { BYTES("a b #base c d e"), KV_TOLERANT, "a=b;",
          "line 1: #include and #base are not allowed" },
        { BYTES("a \"x\\\" } b c"), KV_PLAIN | KV_TOLERANT, "a=x\\;", "line 1: a '}' too many" },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(kv_freep)
        struct kv   *kv = NULL;
        struct error err = { 0 };
        char         text[256] = "";

        int r = read_flags(&kv, cases[i].bytes, cases[i].n_bytes, cases[i].flags, &err);
        if (r != (cases[i].want ? 0 : -1))
            fail_msg("case %zu: %s", i, r < 0 ? err.message : "was accepted");
        if (!cases[i].want)
            continue;
        print_nodes(text, sizeof text, kv_root(kv));
        assert_string_equal(text, cases[i].want);
        if (cases[i].fault)
            assert_string_equal(kv_fault(kv), cases[i].fault);
        else
            assert_null(kv_fault(kv));
    }
}

// Words are copied eight bytes at a time: every length, with every byte that may end them.
static void test_words_of_every_length(void **state)
{
    static const char *const texts[] = { "%.*s", "\"%.*s\"", "k %.*s{}", "\"%.*s\" {}",
                                         "k \"\\n%.*s\\\\\"" };
    char                     letters[40];

    (void)state;
    memset(letters, 'x', sizeof letters);
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        for (int n = 1; n < (int)sizeof letters; n++) {
            AUTO(kv_freep)
            struct kv   *kv = NULL;
            struct error err = { 0 };
            char         text[80];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(text, sizeof text, texts[i], n, letters);
#pragma GCC diagnostic pop
            int r = read_flags(&kv, (uint8_t *)text, strlen(text), KV_TOLERANT, &err);
            assert_int_equal(r, 0);
            switch (i) {
            case 0:
            case 1:
                assert_null(kv_root(kv)); // a key without a value
                break;
            case 2:
                assert_int_equal(strlen(kv_root(kv)->value), n);
                break;
            case 3:
                assert_int_equal(strlen(kv_root(kv)->key), n);
                break;
            default:
                assert_int_equal(strlen(kv_root(kv)->value), n + 2);
            }
        }
    }
}

static void test_every_prefix_ends_well(void **state)
{
    static const char whole[] = "\"Game\" { SearchPaths { Game \"a\\\"b\" [$X] // c\n x y } }";

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        AUTO(kv_freep)
        struct kv   *kv = NULL;
        struct error err = { 0 };

        int r = parse(&kv, (const uint8_t *)whole, n, &err);
        assert_int_equal(r, n == 0 || n >= sizeof whole - 1 ? 0 : -1);
    }
}

static void test_errors_name_the_line(void **state)
{
    struct error err = { 0 };
    struct kv   *kv = NULL;

    (void)state;
    assert_int_equal(parse(&kv, BYTES("a b\n// c\nd {\n e \"f\ng\"\n}}"), &err), -1);
    assert_string_equal(err.message, "line 6: a '}' too many");
}

static void test_keys_compare_without_case(void **state)
{
    AUTO(kv_freep)
    struct kv   *kv = NULL;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(parse(&kv, BYTES("Root { Key one key two other { } }"), &err), 0);
    const struct kv_node *root = kv_find(kv_root(kv), "root");
    assert_non_null(root);
    assert_string_equal(kv_find_value(root->first, "KEY"), "one");
    assert_string_equal(kv_find_value(kv_find(root->first, "key")->next, "key"), "two");
    assert_null(kv_find_value(root->first, "other"));
    assert_null(kv_find(root->first, "none"));
    assert_null(kv_find(NULL, "none"));
}

// `n` copies of `word`, then `tail`; owned.
static char *repeat(const char *word, size_t n, const char *tail)
{
    size_t n_word = strlen(word);
    char  *text = malloc(n * n_word + strlen(tail) + 1);

    for (size_t i = 0; i < n; i++)
        memcpy(text + i * n_word, word, n_word);
    strcpy(text + n * n_word, tail);
    return text;
}

static void test_limits(void **state)
{
    AUTO(freep)
    char *closing = repeat("}", KV_DEPTH_MAX, "");
    AUTO(freep)
    char *deepest = repeat("a{", KV_DEPTH_MAX, closing);
    AUTO(freep)
    char *too_deep = repeat("a{", KV_DEPTH_MAX + 1, "");
    AUTO(freep)
    char *most = repeat("a b ", KV_NODES_MAX, "");
    AUTO(freep)
    char *too_many = repeat("a b ", KV_NODES_MAX, "c d");
    AUTO(freep)
    char *too_long = repeat("//xxxxx\n", KV_BYTES_MAX / 8, "\n");
    const struct {
        const char *text;
        bool        is_valid;
    } cases[] = {
        { deepest, true },   { too_deep, false }, { most, true },
        { too_many, false }, { too_long, false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(kv_freep)
        struct kv   *kv = NULL;
        struct error err = { 0 };

        int r = parse(&kv, (const uint8_t *)cases[i].text, strlen(cases[i].text), &err);
        assert_int_equal(r, cases[i].is_valid ? 0 : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_become_trees),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_words_of_every_length),
        cmocka_unit_test(test_every_prefix_ends_well),
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_keys_compare_without_case),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
