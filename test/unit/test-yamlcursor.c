// SPDX-License-Identifier: MIT
#include "unit.h"
#include "host/yamlcursor.h"

// A text and its length, without the NUL behind it.
#define YAML(literal) (literal), (sizeof(literal) - 1)

static struct yamlcursor *must_open(const char *bytes, size_t n_bytes, struct error *err)
{
    struct yamlcursor *yaml = NULL;

    assert_int_equal(yamlcursor_open(&yaml, "f", bytes, n_bytes, err), 0);
    return yaml;
}

// Opens it, and goes `n` events far.
static struct yamlcursor *must_reach(const char *bytes, size_t n_bytes, size_t n, struct error *err)
{
    struct yamlcursor *yaml = must_open(bytes, n_bytes, err);

    for (size_t i = 0; i < n; i++)
        if (yamlcursor_next(yaml) < 0)
            fail_msg("event %zu: %s", i + 1, err->message);
    return yaml;
}

static void assert_refused(const char *name, const struct error *err, unsigned line,
                           const char *words)
{
    char prefix[32];

    assert_int_equal(err->kind, ERROR_INVALID);
    snprintf(prefix, sizeof prefix, "f:%u: ", line);
    if (strncmp(err->message, prefix, strlen(prefix)) != 0 || !strstr(err->message, words))
        fail_msg("%s: wanted '%s…%s', got '%s'", name, prefix, words, err->message);
}

// ---- from the beginning to the end -------------------------------------------------------------

#define SHOWN_MAX 512u // bytes

// Adds the current event as "LINE:" and its text, or the sign it might be written with.
static void show_event(char *ret, const struct yamlcursor *yaml)
{
    static const char *const signs[] = {
        [YAML_DOCUMENT_START_EVENT] = "(", [YAML_DOCUMENT_END_EVENT] = ")",
        [YAML_SEQUENCE_START_EVENT] = "[", [YAML_SEQUENCE_END_EVENT] = "]",
        [YAML_MAPPING_START_EVENT] = "{",  [YAML_MAPPING_END_EVENT] = "}",
    };
    yaml_event_type_t type = yamlcursor_type(yaml);
    size_t            n_ret = strlen(ret), n_text = 0;
    const char       *text = type < ELEMENTS(signs) && signs[type] ? signs[type] : "?";

    if (type == YAML_SCALAR_EVENT)
        text = yamlcursor_text(yaml, &n_text);
    snprintf(ret + n_ret, SHOWN_MAX - n_ret, "%s%u:%s", n_ret > 0 ? " " : "", yamlcursor_line(yaml),
             text);
}

// Shows what is between the ends of the stream. Reads an exact copy: the sanitizer guards its end.
static int walk(char *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    AUTO(freep) char *copy = malloc(n_bytes + !n_bytes);

    memcpy(copy, bytes, n_bytes);
    AUTO(yamlcursor_closep) struct yamlcursor *yaml = must_open(copy, n_bytes, err);
    *ret = '\0';
    if (yamlcursor_expect(yaml, YAML_STREAM_START_EVENT, "a stream is wanted") < 0)
        return -1;
    for (;;) {
        if (yamlcursor_next(yaml) < 0)
            return -1;
        if (yamlcursor_type(yaml) == YAML_STREAM_END_EVENT)
            return 0;
        show_event(ret, yaml);
    }
}

static const struct {
    const char *name, *bytes;
    size_t      n_bytes;
    const char *want;
} documents[] = {
    { "nothing", YAML(""), "" },
    { "comments", YAML("# a\n\n# b"), "" },
    { "a word", YAML("a\n"), "1:( 1:a 2:)" },
    { "a map", YAML("a: 1\nb: 2\n"), "1:( 1:{ 1:a 1:1 2:b 2:2 3:} 3:)" },
    { "a map on a line", YAML("{a: 1, b: 2}"), "1:( 1:{ 1:a 1:1 1:b 1:2 1:} 2:)" },
    { "a list", YAML("a:\n  - 1\n\n  - 2\n"), "1:( 1:{ 1:a 2:[ 2:1 4:2 5:] 5:} 5:)" },
    { "lists on a line", YAML("[a, [], {}]"), "1:( 1:[ 1:a 1:[ 1:] 1:{ 1:} 1:] 2:)" },
    { "no value", YAML("a:"), "1:( 1:{ 1:a 1: 2:} 2:)" },
    { "comments between", YAML("# x\na: 1 # y\n# z\nb: 2\n"), "2:( 2:{ 2:a 2:1 4:b 4:2 5:} 5:)" },
    { "a block", YAML("a: |\n  b\n  c\nd: e\n"), "1:( 1:{ 1:a 1:b\nc\n 4:d 4:e 5:} 5:)" },
    { "lines in quotes", YAML("a: \"b\n  c\"\nd: e\n"), "1:( 1:{ 1:a 1:b c 3:d 3:e 4:} 4:)" },
    { "foreign line ends", YAML("a: 1\r\nb: 2\r\n"), "1:( 1:{ 1:a 1:1 2:b 2:2 3:} 3:)" },
    { "a byte order mark", YAML("\xef\xbb\xbf\nx"), "2:( 2:x 3:)" },
    { "a version", YAML("%YAML 1.1\n---\na\n"), "1:( 3:a 4:)" },
    { "two documents", YAML("a\n---\nb\n"), "1:( 1:a 2:) 2:( 3:b 4:)" },
    { "UTF-8", YAML("caf\xc3\xa9"), "1:( 1:caf\xc3\xa9 2:)" },
};

static void test_events_come_with_their_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(documents); i++) {
        struct error err = { 0 };
        char         shown[SHOWN_MAX];
        if (walk(shown, documents[i].bytes, documents[i].n_bytes, &err) < 0)
            fail_msg("%s: %s", documents[i].name, err.message);
        if (strcmp(shown, documents[i].want) != 0)
            fail_msg("%s: %s", documents[i].name, shown);
    }
}

#define DECORATED "anchors, aliases and tags are not used here"
#define NOT_YAML  "this is not YAML: "

static const struct {
    const char *name, *bytes;
    size_t      n_bytes;
    unsigned    line;
    const char *words;
} refusals[] = {
    { "an anchor of a word", YAML("a: 1\nb: &x 2\n"), 2, DECORATED },
    { "an anchor of a key", YAML("a: 1\n&x b: 2\n"), 2, DECORATED },
    { "an anchor of a list", YAML("a: &x [1]"), 1, DECORATED },
    { "an anchor of a map", YAML("a:\n  &x {b: 1}\n"), 2, DECORATED },
    { "an alias", YAML("a: 1\nb: *x\n"), 2, DECORATED },
    { "an alias in a list", YAML("- 1\n- 2\n- *x\n"), 3, DECORATED },
    { "a merge", YAML("a: 1\n<<: *x\n"), 2, DECORATED },
    { "a tag of a word", YAML("a: 1\nb: !!int 2\n"), 2, DECORATED },
    { "a tag of a list", YAML("a: !x [1]"), 1, DECORATED },
    { "a tag of a map", YAML("--- !!map\na: 1\n"), 1, DECORATED },
    { "a tag without a name", YAML("a: ! 1"), 1, DECORATED },
    { "a tab", YAML("a: 1\n\tb: 2\n"), 2, NOT_YAML },
    { "an open quote", YAML("a: 1\nb: 'c\n"), 3, NOT_YAML },
    { "an open list", YAML("a: [1,\n2\n"), 3, NOT_YAML },
    { "an open map", YAML("{a: 1\n"), 2, NOT_YAML },
    { "a bracket too many", YAML("- a\n]\n"), 2, NOT_YAML },
    { "an unknown escape", YAML("\n\"\\q\""), 2, NOT_YAML },
    { "two colons", YAML("a: b: c\n"), 1, NOT_YAML },
    { "a list among keys", YAML("a: 1\n- b\n"), 2, NOT_YAML },
    { "a version to come", YAML("%YAML 3.0\n---\na\n"), 1, NOT_YAML },
    { "a byte that is no text", YAML("\nb: 2\nc: \xff\n"), 3, NOT_YAML },
    { "half a character", YAML("a: 1\nb: \xc3"), 2, NOT_YAML },
    { "a control character", YAML("\xef\xbb\xbf\n\n\nb: \x01\n"), 4, NOT_YAML },
    { "a NUL in the first line", YAML("a: \0\nb: 2\n"), 1, NOT_YAML },
};

static void test_what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(refusals); i++) {
        struct error err = { 0 };
        char         shown[SHOWN_MAX];
        if (walk(shown, refusals[i].bytes, refusals[i].n_bytes, &err) == 0)
            fail_msg("%s: accepted: %s", refusals[i].name, shown);
        assert_refused(refusals[i].name, &err, refusals[i].line, refusals[i].words);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    static const char whole[] = "{a: [1, \"b\\x41\", 'c', {}],\n? d\n: {e: -1, f: \"\\u00e9\"}}";

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        struct error err = { 0 };
        char         shown[SHOWN_MAX];
        int          result = walk(shown, whole, n, &err);
        assert_int_equal(result, n == 0 || n == sizeof whole - 1 ? 0 : -1);
        if (result == 0)
            continue;
        unsigned n_lines = 1, line = (unsigned)(err.message[2] - '0');
        for (size_t i = 0; i < n; i++)
            n_lines += whole[i] == '\n';
        assert_in_range(line, n_lines, n_lines + 1); // an end within a line is behind it
        assert_refused("a prefix", &err, line, NOT_YAML);
    }
}

static void test_depth_ends_in_an_error(void **state)
{
    char         text[4096], shown[SHOWN_MAX];
    struct error err = { 0 };

    (void)state;
    memset(text, '[', sizeof text);
    assert_int_equal(walk(shown, text, sizeof text, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

static void test_closing_at_any_event(void **state)
{
    static const char  text[] = "a: [b, *c]";
    struct yamlcursor *yaml = NULL;

    (void)state;
    yamlcursor_closep(&yaml);
    for (size_t n = 0; n <= 6; n++) { // the seventh is the alias
        struct error err = { 0 };
        yaml = must_reach(text, sizeof text - 1, n, &err);
        if (n == 6)
            assert_int_equal(yamlcursor_next(yaml), -1);
        yamlcursor_closep(&yaml);
    }
}

// ---- one event ---------------------------------------------------------------------------------

static void test_only_the_expected_type_will_do(void **state)
{
    static const char text[] = "# x\na:\n  - b\n";
    static const struct {
        yaml_event_type_t type;
        unsigned          line;
    } events[] = {
        { YAML_STREAM_START_EVENT, 1 },   { YAML_DOCUMENT_START_EVENT, 2 },
        { YAML_MAPPING_START_EVENT, 2 },  { YAML_SCALAR_EVENT, 2 },
        { YAML_SEQUENCE_START_EVENT, 3 }, { YAML_SCALAR_EVENT, 3 },
        { YAML_SEQUENCE_END_EVENT, 4 },   { YAML_MAPPING_END_EVENT, 4 },
        { YAML_DOCUMENT_END_EVENT, 4 },   { YAML_STREAM_END_EVENT, 4 },
    };

    (void)state;
    for (size_t at = 0; at < ELEMENTS(events); at++)
        for (size_t i = 0; i < ELEMENTS(events); i++) {
            struct error                               err = { 0 };
            AUTO(yamlcursor_closep) struct yamlcursor *yaml = NULL;
            bool                                       is_right = events[i].type == events[at].type;
            yaml = must_reach(text, sizeof text - 1, at, &err);
            assert_int_equal(yamlcursor_expect(yaml, events[i].type, "100%s of it is wanted"),
                             is_right ? 0 : -1);
            assert_int_equal(yamlcursor_line(yaml), events[at].line);
            if (!is_right)
                assert_refused("another", &err, events[at].line, ": 100%s of it is wanted");
        }
}

static void test_expecting_tells_what_is_no_yaml(void **state)
{
    struct error err = { 0 };

    (void)state;
    AUTO(yamlcursor_closep) struct yamlcursor *yaml = must_reach("\n@", 2, 1, &err);
    assert_int_equal(yamlcursor_expect(yaml, YAML_DOCUMENT_START_EVENT, "x"), -1);
    assert_refused("a sign", &err, 2, NOT_YAML);
}

static const struct {
    const char         *name, *bytes;
    size_t              n_bytes;
    yaml_scalar_style_t style;
    const uint8_t      *want;
    size_t              n_want;
} texts[] = {
    { "plain", YAML("a b"), YAML_PLAIN_SCALAR_STYLE, BYTES("a b") },
    { "single", YAML("'a'"), YAML_SINGLE_QUOTED_SCALAR_STYLE, BYTES("a") },
    { "double", YAML("\"a\\0\\xff\""), YAML_DOUBLE_QUOTED_SCALAR_STYLE, BYTES("a\0\xc3\xbf") },
    { "empty", YAML("\"\""), YAML_DOUBLE_QUOTED_SCALAR_STYLE, BYTES("") },
    { "literal", YAML("|\n a\n b\n"), YAML_LITERAL_SCALAR_STYLE, BYTES("a\nb\n") },
    { "folded", YAML(">\n a\n b\n"), YAML_FOLDED_SCALAR_STYLE, BYTES("a b\n") },
};

static void test_texts_with_their_style(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        struct error                               err = { 0 };
        AUTO(yamlcursor_closep) struct yamlcursor *yaml = NULL;
        size_t                                     n = 0;
        yaml = must_reach(texts[i].bytes, texts[i].n_bytes, 3, &err);
        const char *text = yamlcursor_text(yaml, &n);
        if (yamlcursor_style(yaml) != texts[i].style || n != texts[i].n_want)
            fail_msg("%s: style %u, %zu bytes", texts[i].name, yamlcursor_style(yaml), n);
        assert_memory_equal(text, texts[i].want, n);
    }
}

static void test_a_marked_line_stays(void **state)
{
    struct error err = { 0 };

    (void)state;
    AUTO(yamlcursor_closep) struct yamlcursor *yaml = must_reach("\na:\n  b\n", 8, 4, &err);
    assert_int_equal(yamlcursor_marked_line(yaml, 1), 0);
    yamlcursor_mark(yaml, 1);
    assert_int_equal(yamlcursor_marked_line(yaml, 1), 2);
    assert_int_equal(yamlcursor_next(yaml), 0);
    assert_int_equal(yamlcursor_line(yaml), 3);
    assert_int_equal(yamlcursor_marked_line(yaml, 1), 2);
    yamlcursor_mark(yaml, 1);
    assert_int_equal(yamlcursor_marked_line(yaml, 1), 3);
}

// ---- words and numbers -------------------------------------------------------------------------

#define KEY_EVENTS 4u // up to the key of "k: value"
#define WORD_MAX   5u

static const struct {
    const char *name, *bytes;
    size_t      n_bytes;
    const char *want; // NULL: refused
    unsigned    line;
    const char *words;
} words[] = {
    { "one byte", YAML("k: a"), "a", 0, NULL },
    { "the most", YAML("k: abcde"), "abcde", 0, NULL },
    { "one too many", YAML("k: abcdef"), NULL, 1, "k wants 1 to 5 characters" },
    { "many too many", YAML("k: \"\\0\\0\\0\\0\\0\\0\""), NULL, 1, "k wants 1 to 5 characters" },
    { "nothing", YAML("\nk:"), NULL, 2, "k wants 1 to 5 characters" },
    { "nothing in quotes", YAML("k: ''"), NULL, 1, "k wants 1 to 5 characters" },
    { "in quotes", YAML("k: 'a'"), "a", 0, NULL },
    { "digits", YAML("k: 12"), "12", 0, NULL },
    { "two lines that are one", YAML("k: a\n b\n"), "a b", 0, NULL },
    { "from the first to the last", YAML("k: \" ~\""), " ~", 0, NULL },
    { "before the first", YAML("k: \"\\x1f\""), NULL, 1, "k wants printable ASCII on one line" },
    { "behind the last", YAML("k: \"a\\x7f\""), NULL, 1, "k wants printable ASCII on one line" },
    { "a NUL", YAML("k: \"a\\0\""), NULL, 1, "k wants printable ASCII on one line" },
    { "a tab", YAML("k: \"\\t\""), NULL, 1, "k wants printable ASCII on one line" },
    { "a whole line", YAML("\nk: |\n a\n"), NULL, 2, "k wants printable ASCII on one line" },
    { "UTF-8", YAML("k: caf\xc3\xa9"), NULL, 1, "k wants printable ASCII on one line" },
    { "a list", YAML("k:\n- a\n"), NULL, 2, "k wants a text, not a list or a map" },
    { "a map", YAML("k: {a: b}"), NULL, 1, "k wants a text, not a list or a map" },
    { "an anchor", YAML("k: &a b"), NULL, 1, DECORATED },
    { "an open quote", YAML("k: \"a\n"), NULL, 2, NOT_YAML },
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(words); i++) {
        struct error                               err = { 0 };
        AUTO(yamlcursor_closep) struct yamlcursor *yaml = NULL;
        yaml = must_reach(words[i].bytes, words[i].n_bytes, KEY_EVENTS, &err);
        const char *word = yamlcursor_next_word(yaml, "k", WORD_MAX);
        if (!word != !words[i].want || (word && strcmp(word, words[i].want) != 0))
            fail_msg("%s: %s", words[i].name, word ? word : err.message);
        if (!word)
            assert_refused(words[i].name, &err, words[i].line, words[i].words);
    }
}

#define UNTOUCHED 4711u

static const struct {
    const char *name, *bytes;
    size_t      n_bytes;
    uint32_t    min, max;
    uint32_t    want; // UNTOUCHED: refused
    unsigned    line;
    const char *words;
} numbers[] = {
    { "the least", YAML("k: 2"), 2, 30, 2, 0, NULL },
    { "the most", YAML("k: 30 # x"), 2, 30, 30, 0, NULL },
    { "one less", YAML("k: 1"), 2, 30, UNTOUCHED, 1, "k: '1' is not a whole number from 2 to 30" },
    { "one more", YAML("\nk: 31"), 2, 30, UNTOUCHED, 2, "k: '31' is not a whole number from 2" },
    { "the least of all", YAML("k: 0"), 0, UINT32_MAX, 0, 0, NULL },
    { "the most of all", YAML("k: 4294967295"), 0, UINT32_MAX, UINT32_MAX, 0, NULL },
    { "more than that", YAML("k: 4294967296"), 0, UINT32_MAX, UNTOUCHED, 1, "k: '4294967296' is" },
    { "zeros before it", YAML("k: 00000000000000000007"), 2, 30, 7, 0, NULL },
    { "one zero more", YAML("k: 000000000000000000007"), 2, 30, UNTOUCHED, 1,
      "1 to 20 characters" },
    { "a minus", YAML("k: -3"), 2, 30, UNTOUCHED, 1, "k: '-3' is not a whole number" },
    { "a plus", YAML("k: +3"), 2, 30, UNTOUCHED, 1, "k: '+3' is not a whole number" },
    { "a fraction", YAML("k: 3.0"), 2, 30, UNTOUCHED, 1, "k: '3.0' is not a whole number" },
    { "sixteens", YAML("k: 0x3"), 2, 30, UNTOUCHED, 1, "k: '0x3' is not a whole number" },
    { "two of them", YAML("k: 3 4"), 2, 30, UNTOUCHED, 1, "k: '3 4' is not a whole number" },
    { "a word", YAML("k: three"), 2, 30, UNTOUCHED, 1, "k: 'three' is not a whole number" },
    { "none", YAML("k: ~"), 2, 30, UNTOUCHED, 1, "k: '~' is not a whole number" },
    { "single quotes", YAML("k: '3'"), 2, 30, UNTOUCHED, 1, "k wants a number without quotes" },
    { "double quotes", YAML("\nk: \"3\""), 2, 30, UNTOUCHED, 2, "k wants a number without quotes" },
    { "a block", YAML("k: |-\n 3"), 2, 30, UNTOUCHED, 1, "k wants a number without quotes" },
    { "nothing", YAML("k:\n"), 2, 30, UNTOUCHED, 1, "k wants 1 to 20 characters" },
    { "a list", YAML("k:\n- 3\n"), 2, 30, UNTOUCHED, 2, "k wants a text, not a list or a map" },
    { "a map", YAML("k: {3: 3}"), 2, 30, UNTOUCHED, 1, "k wants a text, not a list or a map" },
    { "a tag", YAML("k: !!int 3"), 2, 30, UNTOUCHED, 1, DECORATED },
    { "an open list", YAML("\nk: ]"), 2, 30, UNTOUCHED, 2, NOT_YAML },
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        struct error                               err = { 0 };
        AUTO(yamlcursor_closep) struct yamlcursor *yaml = NULL;
        uint32_t                                   value = UNTOUCHED;
        yaml = must_reach(numbers[i].bytes, numbers[i].n_bytes, KEY_EVENTS, &err);
        int result = yamlcursor_next_number(yaml, "k", numbers[i].min, numbers[i].max, &value);
        if (value != numbers[i].want || (result < 0) != (value == UNTOUCHED))
            fail_msg("%s: %d, %u, %s", numbers[i].name, result, value, err.message);
        if (result < 0)
            assert_refused(numbers[i].name, &err, numbers[i].line, numbers[i].words);
    }
}

static void test_the_current_event_can_be_asked_again(void **state)
{
    struct error err = { 0 };
    uint32_t     value = 0;

    (void)state;
    AUTO(yamlcursor_closep) struct yamlcursor *yaml = must_reach("[7, a]", 6, 4, &err);
    assert_int_equal(yamlcursor_number(yaml, "k", 0, 9, &value), 0);
    assert_int_equal(value, 7);
    assert_string_equal(yamlcursor_word(yaml, "k", 1), "7");
    assert_string_equal(yamlcursor_next_word(yaml, "k", 1), "a");
    assert_int_equal(yamlcursor_number(yaml, "k", 0, 9, &value), -1);
    assert_string_equal(yamlcursor_word(yaml, "k", 1), "a");
    assert_null(yamlcursor_next_word(yaml, "k", 1)); // the end of the list
}

// ---- complaints --------------------------------------------------------------------------------

static void test_complaints_are_printable(void **state)
{
    static const struct {
        const char *word, *want;
    } cases[] = {
        { "~ a", "f:12: ~ a, it says" },
        { "caf\xc3\xa9", "f:12: caf??, it says" },
        { "\x1b[0m\n\t\x7f", "f:12: ?[0m???, it says" },
        { "\x1f \x80\xff", "f:12: ? ??, it says" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error                               err = { 0 };
        AUTO(yamlcursor_closep) struct yamlcursor *yaml = must_open("", 0, &err);
        assert_int_equal(yamlcursor_fail(yaml, 12, "%s, it says", cases[i].word), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_string_equal(err.message, cases[i].want);
    }
}

static void test_complaints_are_cut(void **state)
{
    char               name[201], sentence[401], want[ERROR_MESSAGE_MAX];
    struct yamlcursor *yaml = NULL;
    struct error       err = { 0 };

    (void)state;
    memset(name, 'n', sizeof name - 1);
    memset(sentence, 's', sizeof sentence - 1);
    name[sizeof name - 1] = sentence[sizeof sentence - 1] = '\0';
    assert_int_equal(yamlcursor_open(&yaml, name, "", 0, &err), 0);
    assert_int_equal(yamlcursor_fail(yaml, 3, "%s", sentence), -1);
    snprintf(want, sizeof want, "%.100s:3: %.151s", name, sentence);
    assert_string_equal(err.message, want);
    yamlcursor_closep(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_with_their_lines),
        cmocka_unit_test(test_what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_depth_ends_in_an_error),
        cmocka_unit_test(test_closing_at_any_event),
        cmocka_unit_test(test_only_the_expected_type_will_do),
        cmocka_unit_test(test_expecting_tells_what_is_no_yaml),
        cmocka_unit_test(test_texts_with_their_style),
        cmocka_unit_test(test_a_marked_line_stays),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_the_current_event_can_be_asked_again),
        cmocka_unit_test(test_complaints_are_printable),
        cmocka_unit_test(test_complaints_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
