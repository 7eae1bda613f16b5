// SPDX-License-Identifier: MIT
#include "unit.h"

#include "overlay/state.h"

#define GENERATION(number)                                                                         \
    "{\"number\":" number ",\"created_unix_s\":1,\"files\":2,\"bytes\":3,\"build\":4,"             \
    "\"added\":5,\"changed\":6,\"removed\":7,\"bytes_changed\":8,\"note\":\"build id 9\"}"
#define STATE(current, generations)                                                                \
    "{\"type\":\"game\",\"current\":" current ",\"generations\":[" generations "]}"

static const struct {
    const char *name, *text, *want; // want: in the message, NULL: it is fine
} cases[] = {
    { "none published", STATE("0", ""), NULL },
    { "one", STATE("3", GENERATION("3")), NULL },
    { "an older one is current", STATE("2", GENERATION("3") "," GENERATION("2")), NULL },
    { "empty file", "", "not JSON" },
    { "cut", "{\"type\":\"game\",\"cur", "not JSON" },
    { "trailing garbage", STATE("0", "") "x", "not JSON" },
    { "a key twice", "{\"type\":\"a\",\"type\":\"b\",\"current\":0,\"generations\":[]}", "JSON" },
    { "a list", "[]", "keys" },
    { "a key more", "{\"type\":\"g\",\"current\":0,\"generations\":[],\"x\":1}", "keys" },
    { "a key less", "{\"type\":\"g\",\"generations\":[]}", "keys" },
    { "no type", "{\"type\":\"\",\"current\":0,\"generations\":[]}", "'type'" },
    { "a long type", "{\"type\":\"0123456789abcdef\",\"current\":0,\"generations\":[]}", "'type'" },
    { "a NUL in it", "{\"type\":\"a\\u0000b\",\"current\":0,\"generations\":[]}", "JSON" },
    { "a control byte", "{\"type\":\"a\\u001bb\",\"current\":0,\"generations\":[]}", "control" },
    { "an escape of Latin-1 in it", "{\"type\":\"a\\u009bb\",\"current\":0,\"generations\":[]}",
      "control" },
    { "a DEL in it", "{\"type\":\"a\x7f\",\"current\":0,\"generations\":[]}", "control" },
    { "broken UTF-8", "{\"type\":\"a\xff\",\"current\":0,\"generations\":[]}", "JSON" },
    { "current negative", STATE("-1", ""), "'current'" },
    { "current too large", STATE("2147483648", ""), "'current'" },
    { "generations no list", "{\"type\":\"g\",\"current\":0,\"generations\":{}}", "list" },
    { "current not listed", STATE("4", GENERATION("3")), "current generation" },
    { "number 0", STATE("0", GENERATION("0")), "'number'" },
    { "number negative", STATE("0", GENERATION("-1")), "'number'" },
    { "number too large", STATE("0", GENERATION("2147483648")), "'number'" },
    { "number larger than JSON", STATE("0", GENERATION("99999999999999999999")), "JSON" },
    { "number a real", STATE("0", GENERATION("1.5")), "'number'" },
    { "number a text", STATE("0", GENERATION("\"1\"")), "'number'" },
    { "twice the same", STATE("0", GENERATION("3") "," GENERATION("3")), "sorted" },
    { "not sorted", STATE("0", GENERATION("3") "," GENERATION("4")), "sorted" },
    { "a generation no object", STATE("0", "7"), "place 1" },
    { "a generation without keys", STATE("0", "{}"), "place 1" },
};

static void test_parsing(void **state)
{
    struct state *parsed = calloc(1, sizeof *parsed);

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        int          result = state_parse(parsed, cases[i].text, strlen(cases[i].text), &err);
        if ((result == 0) != !cases[i].want)
            fail_msg("%s: %s", cases[i].name, err.message);
        if (cases[i].want && (err.kind != ERROR_INVALID || !strstr(err.message, cases[i].want)))
            fail_msg("%s: %s", cases[i].name, err.message);
    }
    free(parsed);
}

// One generation, with this note.
static int parse_note(const char *note, struct error *err)
{
    AUTO(freep) struct state *parsed = calloc(1, sizeof *parsed);
    char                      text[1024];

    snprintf(text, sizeof text,
             "{\"type\":\"g\",\"current\":1,\"generations\":[{\"number\":1,\"created_unix_s\":1,"
             "\"files\":2,\"bytes\":3,\"build\":4,\"added\":5,\"changed\":6,\"removed\":7,"
             "\"bytes_changed\":8,\"note\":\"%s\"}]}",
             note);
    return state_parse(parsed, text, strlen(text), err);
}

static void test_limits(void **state)
{
    AUTO(freep) struct state *s = calloc(1, sizeof *s);
    AUTO(freep) char         *text = NULL, *large = calloc(1, STATE_BYTES_MAX + 2);
    char                      note[STATE_NOTE_MAX + 1] = "";
    struct error              err = { 0 };

    (void)state;
    memset(note, 'x', STATE_NOTE_MAX - 1);
    assert_int_equal(parse_note(note, &err), 0);
    note[STATE_NOTE_MAX - 1] = 'x';
    assert_int_equal(parse_note(note, &err), -1);
    assert_non_null(strstr(err.message, "'note'"));

    strcpy(s->type, "game");
    for (uint32_t number = 1; number <= STATE_GENERATIONS_MAX + 1; number++)
        state_insert(s, &(struct generation){ .number = number });
    text = state_format(s);
    assert_int_equal(state_parse(s, text, strlen(text), &err), -1);
    assert_non_null(strstr(err.message, "at most 256"));

    memset(large, ' ', STATE_BYTES_MAX + 1);
    memcpy(large, STATE("0", ""), strlen(STATE("0", "")));
    assert_int_equal(state_parse(s, large, STATE_BYTES_MAX, &err), 0);
    assert_int_equal(state_parse(s, large, STATE_BYTES_MAX + 1, &err), -1);
    assert_non_null(strstr(err.message, "larger than"));
}

// Every beginning of a good file is refused, and none is read past its end.
static void test_every_prefix(void **state)
{
    static const char text[] = STATE("3", GENERATION("3") "," GENERATION("2"));
    struct state     *parsed = calloc(1, sizeof *parsed);

    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct error      err = { 0 };
        AUTO(freep) char *copy = malloc(n + 1);
        memcpy(copy, text, n);
        assert_int_equal(state_parse(parsed, copy, n, &err), -1);
    }
    free(parsed);
}

static void test_it_comes_back_as_it_was_written(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };
    struct state    *out = calloc(1, sizeof *out), *in = calloc(1, sizeof *in);

    strcpy(out->type, "game");
    out->current = 7;
    for (uint32_t number = 1; number <= STATE_GENERATIONS_MAX; number++)
        state_insert(out, &(struct generation){ .number = number,
                                                .build = 100 + number,
                                                .created_unix_s = 1 << 30,
                                                .files = 3,
                                                .bytes = INT64_MAX,
                                                .added = 1,
                                                .changed = 2,
                                                .removed = 3,
                                                .bytes_changed = 4,
                                                .note = "a \"note\" \\ of ours" });
    assert_int_equal(out->generations[0].number, STATE_GENERATIONS_MAX);
    assert_int_equal(state_write(out, dir->fd, &err), 0);
    assert_int_equal(state_read(in, dir->fd, &err), 0);
    assert_memory_equal(in, out, sizeof *in);
    assert_int_equal(state_find(in, 5)->build, 105);
    assert_null(state_find(in, 1000));
    free(out);
    free(in);
}

static void test_no_file_is_an_empty_state_and_a_bad_one_stays(void **state)
{
    struct unit_dir  *dir = *state;
    struct error      err = { 0 };
    struct state     *in = calloc(1, sizeof *in);
    AUTO(freep) char *text = NULL;

    in->current = 1;
    assert_int_equal(state_read(in, dir->fd, &err), 0);
    assert_int_equal(in->current + in->n_generations, 0);
    unit_write(dir->fd, STATE_FILE, "garbage");
    assert_int_equal(state_read(in, dir->fd, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_non_null(strstr(err.message, "damaged"));
    assert_int_equal(fd_read_file(&text, NULL, dir->fd, STATE_FILE, 100, &err), 0);
    assert_string_equal(text, "garbage");
    free(in);
}

static void test_inserting_keeps_the_order(void **state)
{
    static const uint32_t numbers[] = { 5, 1, 9, 7 }, want[] = { 9, 7, 5, 1 };
    struct state         *s = calloc(1, sizeof *s);

    (void)state;
    for (size_t i = 0; i < ELEMENTS(numbers); i++)
        state_insert(s, &(struct generation){ .number = numbers[i] });
    for (size_t i = 0; i < ELEMENTS(want); i++)
        assert_int_equal(s->generations[i].number, want[i]);
    free(s);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_prefix),
        IN_DIR(test_it_comes_back_as_it_was_written),
        IN_DIR(test_no_file_is_an_empty_state_and_a_bad_one_stays),
        cmocka_unit_test(test_inserting_keeps_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
