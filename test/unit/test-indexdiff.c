// SPDX-License-Identifier: MIT
#include "overlay/indexbuild.h"
#include "overlay/indexdiff.h"
#include "unit.h"

struct tree {
    struct index_builder *builder;
    char                 *rest;
};

// Adds the children of `dir` that the text names next, "name:inode:size:hash", then what is in each
// directory, "name/(…)", in parentheses.
static void add_children(struct tree *tree, uint32_t dir)
{
    char    *starts[16];
    uint32_t n = 0, first = index_builder_n_nodes(tree->builder);

    while (*tree->rest && *tree->rest != ')') {
        char *item = tree->rest;
        tree->rest += strcspn(item, " ()");
        bool is_dir = tree->rest[-1] == '/';
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(item, ":/"), item);
        struct index_node node = { .kind = is_dir ? INDEX_DIR : INDEX_FILE };
        if (!is_dir) {
            unsigned inode = 0, size = 0, hash = 0;
            char     kind = 0;
            (void)sscanf(item + strlen(name), ":%u:%u:%u%c", &inode, &size, &hash, &kind);
            node.inode = inode;
            node.size = size;
            node.hash = hash;
            node.flags = kind == '*' ? INDEX_PROGRAM : 0;
            node.kind = kind == '@' ? INDEX_LINK : INDEX_FILE;
        }
        MUST(index_builder_add(tree->builder, dir, name, &node, &err));
        starts[n++] = is_dir ? tree->rest + 1 : NULL;
        if (is_dir) // past its content
            for (int depth = 0; *tree->rest;) {
                depth += *tree->rest == '(' ? 1 : *tree->rest == ')' ? -1 : 0;
                tree->rest++;
                if (depth == 0)
                    break;
            }
        tree->rest += *tree->rest == ' ';
    }
    char *after = tree->rest;
    for (uint32_t i = 0; i < n; i++)
        if (starts[i]) {
            tree->rest = starts[i];
            add_children(tree, first + i);
        }
    tree->rest = after;
}

static struct index *make(const char *text)
{
    char          copy[512];
    struct tree   tree = { NULL, copy };
    struct index *index = NULL;

    snprintf(copy, sizeof copy, "%s", text);
    MUST(index_builder_new(&tree.builder, &err));
    add_children(&tree, INDEX_ROOT);
    MUST(index_builder_end(tree.builder, &index, &err));
    index_builder_free(tree.builder);
    return index;
}

struct text {
    char     bytes[1024];
    unsigned n_left;
};

static int show(void *user, const struct index_difference *difference, struct error *err)
{
    struct text *text = user;
    size_t       n = strlen(text->bytes);

    (void)err;
    if (text->n_left-- == 0)
        return 7;
    snprintf(text->bytes + n, sizeof text->bytes - n, "%s%c%s%s", n ? " " : "",
             "+-~"[difference->change], difference -> path, difference -> is_sure ? "" : "?");
    return 0;
}

static const struct {
    const char *name, *old, *new, *want;
} rows[] = {
    { "nothing", "", "", "" },
    { "equal", "a:1:5 d/(b:2:6)", "a:1:5 d/(b:2:6)", "" },
    { "added", "a:1:5", "a:1:5 b:2:6", "+b" },
    { "removed", "a:1:5 b:2:6", "b:2:6", "-a" },
    { "another size", "a:1:5", "a:2:6", "~a" },
    { "another file, nobody knows", "a:1:5", "a:2:5", "~a?" },
    { "another file, one hash", "a:1:5:77", "a:2:5", "~a?" },
    { "another file, the same bytes", "a:1:5:77", "a:2:5:77", "" },
    { "another file, other bytes", "a:1:5:77", "a:2:5:78", "~a" },
    { "it can be run now", "a:1:5:77", "a:2:5:77*", "~a" },
    { "a link to elsewhere", "a:1:5:77@", "a:2:5:78@", "~a" },
    { "a file became a directory", "a:1:5 b:2:6", "a/(x:3:1 y/()) b:2:6", "-a +a +a/x +a/y" },
    { "a directory became a file", "a/(x:3:1 y/())", "a:1:5", "-a -a/x -a/y +a" },
    { "a file became a link", "a:1:5", "a:2:3:1@", "-a +a" },
    { "a whole directory", "", "d/(e/(f:1:1) g:2:2) h:3:3", "+d +d/e +d/e/f +d/g +h" },
    { "in order of names", "d/(x:1:1) d-e:2:2", "d/(y:1:1) d-f:2:2", "-d/x +d/y -d-e +d-f" },
};

static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        AUTO(index_freep) struct index *old = make(rows[i].old), *new = make(rows[i].new);
        struct text                     text = { "", 100 };
        struct error                    err = { 0 };
        assert_int_equal(index_diff(old, new, NULL, show, &text, &err), 0);
        if (strcmp(text.bytes, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].name, text.bytes);
    }
}

static void test_totals(void **state)
{
    AUTO(index_freep) struct index *old = make("a:1:5 b:2:6 d/(x:3:7)");
    AUTO(index_freep) struct index *new = make("a:9:50 c:4:8 e/()");
    struct index_totals totals;
    struct text         text = { "", 100 };
    struct error        err = { 0 };

    (void)state;
    assert_int_equal(index_diff(old, new, &totals, show, &text, &err), 0);
    assert_int_equal(totals.files[INDEX_ADDED], 1);
    assert_int_equal(totals.bytes[INDEX_ADDED], 8);
    assert_int_equal(totals.dirs[INDEX_ADDED], 1);
    assert_int_equal(totals.files[INDEX_REMOVED], 2);
    assert_int_equal(totals.bytes[INDEX_REMOVED], 13);
    assert_int_equal(totals.dirs[INDEX_REMOVED], 1);
    assert_int_equal(totals.files[INDEX_CHANGED], 1);
    assert_int_equal(totals.bytes[INDEX_CHANGED], 50);
}

static void test_the_taker_may_end_it(void **state)
{
    AUTO(index_freep) struct index *old = make(""), *new = make("a:1:1 b:2:2 c:3:3");
    struct text                     text = { "", 2 };
    struct error                    err = { 0 };

    (void)state;
    assert_int_equal(index_diff(old, new, NULL, show, &text, &err), 7);
    assert_string_equal(text.bytes, "+a +b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_the_taker_may_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
