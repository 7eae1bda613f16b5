// SPDX-License-Identifier: MIT
#include "layer-stack.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "content/scan.h"

#define TEXT_MAX 8192u

// What a stack shows, one line a path: "d/ 1" is a directory whose topmost layer is 1.
struct shown {
    char   text[TEXT_MAX];
    size_t n;
};

static void shown_add(struct shown *shown, const char *path, bool is_dir, size_t layer)
{
    int n = snprintf(shown->text + shown->n, sizeof shown->text - shown->n, "%s%s %zu\n", path,
                     is_dir ? "/" : "", layer);

    assert_true(n > 0 && (size_t)n < sizeof shown->text - shown->n);
    shown->n += (size_t)n;
}

struct check {
    const struct view *view;
    struct shown       shown;
    size_t             n_entries;
};

// What the merge says about a path is what layers_explain() says, which looks at the layers.
static void compare_roles(const struct check *check, const struct view_entry *entry)
{
    static struct layer_finding findings[LAYERS_MAX];
    size_t n = layers_explain(findings, view_layers(check->view), entry->path), j = 0;

    for (size_t i = 0; i < entry->n_claims; i++) {
        const struct view_claim *claim = &entry->claims[i];
        while (j < n && findings[j].layer < claim->layer)
            j++;
        if (j == n || findings[j].layer != claim->layer || findings[j].role != claim->role)
            fail_msg("%s: layer %zu has role %u, found %zu with role %u", entry->path, claim->layer,
                     claim->role, j < n ? findings[j].layer : 99, j < n ? findings[j].role : 99);
    }
}

static int look_at(void *user, const struct view_entry *entry, struct error *err)
{
    struct check *check = user;

    (void)err;
    check->n_entries++;
    compare_roles(check, entry);
    struct view_node found = view_find(check->view, entry->path);
    if (!entry->shown) {
        assert_int_equal(found.node, INDEX_NONE);
        return 0;
    }
    assert_int_equal(found.layer, entry->shown->layer);
    assert_int_equal(found.node, entry->shown->node);
    const struct index *index = view_index(check->view, entry->shown->layer);
    shown_add(&check->shown, entry->path, index_node(index, entry->shown->node)->kind == INDEX_DIR,
              entry->shown->layer);
    return 0;
}

// ---- the kernel's word -------------------------------------------------------------------------

// Lists what is mounted in the order of an index; a file's content is the number of its layer.
static void list_mounted(struct shown *shown, int dir_fd, const char *path)
{
    struct dirent **entries = NULL;
    char            where[64], below[512], text[16] = "";
    struct stat     st;

    snprintf(where, sizeof where, "/proc/self/fd/%d", dir_fd);
    int n = scandir(where, &entries, NULL, NULL);
    for (int i = 1; i < n; i++) // by bytes, in whatever locale
        for (int j = i; j > 0 && strcmp(entries[j - 1]->d_name, entries[j]->d_name) > 0; j--) {
            struct dirent *swap = entries[j];
            entries[j] = entries[j - 1];
            entries[j - 1] = swap;
        }
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        bool        is_real = strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
        if (is_real && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name);
            if (S_ISDIR(st.st_mode)) {
                AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                shown->n +=
                    (size_t)snprintf(shown->text + shown->n, TEXT_MAX - shown->n, "%s/\n", below);
                list_mounted(shown, fd, below);
            } else {
                memset(text, 0, sizeof text);
                AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
                if (S_ISLNK(st.st_mode))
                    (void)!readlinkat(dir_fd, name, text, sizeof text - 1);
                else
                    (void)!read(fd, text, sizeof text - 1);
                shown->n += (size_t)snprintf(shown->text + shown->n, TEXT_MAX - shown->n, "%s %s\n",
                                             below, text);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

// In a mount namespace of its own; exits.
static void mount_and_list(const struct layer_stack *stack, int out)
{
    struct shown *shown = calloc(1, sizeof *shown);
    char          options[256] = "userxattr,lowerdir=";

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        chdir(stack->dir->path) < 0 || mkdir("merged", 0755) < 0)
        _exit(77);
    for (size_t i = 0; i < stack->layers.n; i++)
        snprintf(options + strlen(options), sizeof options - strlen(options), "%s%zu", i ? ":" : "",
                 i);
    if (mount("overlay", "merged", "overlay", MS_RDONLY, options) < 0)
        _exit(77);
    int fd = open("merged", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    list_mounted(shown, fd, "");
    _exit(write(out, shown->text, shown->n) == (ssize_t)shown->n ? 0 : 1);
}

// False: this machine does not mount.
static bool ask_kernel(const struct layer_stack *stack, struct shown *ret)
{
    int     ends[2], status = 0;
    ssize_t n;

    assert_return_code(pipe2(ends, O_CLOEXEC), errno);
    pid_t pid = fork();
    if (pid == 0)
        mount_and_list(stack, ends[1]);
    close(ends[1]);
    ret->n = 0;
    while ((n = read(ends[0], ret->text + ret->n, TEXT_MAX - 1 - ret->n)) > 0)
        ret->n += (size_t)n;
    ret->text[ret->n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)unlinkat(stack->dir->fd, "merged", AT_REMOVEDIR);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return false;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}

// The directories of `text` without the layer, which only we know.
static void forget_layers_of_dirs(char *text)
{
    for (char *line = text, *end; *line; line = end) {
        end = strchr(line, '\n') + 1;
        char *slash = strstr(line, "/ ");
        if (slash && slash < end) {
            memmove(slash + 1, end - 1, strlen(end - 1) + 1);
            end = slash + 2;
        }
    }
}

static void check_stack(const struct layer_stack *stack, const char *name, const char *want)
{
    AUTO(view_freep) struct view *view = stack_view(stack);
    struct check                 *check = calloc(1, sizeof *check);
    struct shown                 *kernel = calloc(1, sizeof *kernel);
    struct error                  err = { 0 };

    check->view = view;
    assert_int_equal(view_walk(view, look_at, check, &err), 0);
    if (want && strcmp(check->shown.text, want) != 0)
        fail_msg("%s:\n%s", name, check->shown.text);
    if (ask_kernel(stack, kernel)) {
        forget_layers_of_dirs(check->shown.text);
        if (strcmp(check->shown.text, kernel->text) != 0)
            fail_msg("%s: we say\n%s\nthe kernel says\n%s", name, check->shown.text, kernel->text);
    }
    free(check);
    free(kernel);
}

// ---- the table ---------------------------------------------------------------------------------

// Layers from top to bottom, as in content-tree.h; the content of a file is the number of its
// layer.
static const struct {
    const char *name, *layers[4], *want;
} rows[] = {
    { "empty", { "", "" }, "" },
    { "one over the other", { "f a=0; f b=0", "f b=1; f c=1" }, "a 0\nb 0\nc 1\n" },
    { "directories are merged",
      { "d d; f d/a=0", "d d; f d/b=1", "d d; f d/a=2; f d/c=2" },
      "d/ 0\nd/a 0\nd/b 1\nd/c 2\n" },
    { "in the order of names",
      { "d d; f d/x=0; f d-e=0", "f d.f=1" },
      "d/ 0\nd/x 0\nd-e 0\nd.f 1\n" },
    { "a whiteout removes", { "w a; f b=0", "f a=1; f c=1" }, "b 0\nc 1\n" },
    { "a whiteout of a directory", { "w d", "d d; f d/a=1", "d d; f d/b=2" }, "" },
    { "a whiteout in the middle", { "f a=0", "w a; w b", "f a=2; f b=2" }, "a 0\n" },
    { "a whiteout of nothing", { "w a", "f b=1" }, "b 1\n" },
    { "above a whiteout it goes on",
      { "d d; f d/a=0", "w d", "d d; f d/a=2; f d/b=2" },
      "d/ 0\nd/a 0\n" },
    { "an opaque directory", { "o d; f d/a=0", "d d; f d/b=1" }, "d/ 0\nd/a 0\n" },
    { "an opaque one in the middle",
      { "d d; f d/a=0", "o d; f d/b=1", "d d; f d/c=2" },
      "d/ 0\nd/a 0\nd/b 1\n" },
    { "below an opaque one",
      { "o d; d d/e; f d/e/a=0", "d d; d d/e; f d/e/b=1" },
      "d/ 0\nd/e/ 0\nd/e/a 0\n" },
    { "an opaque one inside",
      { "d d; o d/e; f d/e/a=0", "d d; d d/e; f d/e/b=1; f d/c=1" },
      "d/ 0\nd/c 1\nd/e/ 0\nd/e/a 0\n" },
    { "a file over a directory", { "f d=0", "d d; f d/a=1" }, "d 0\n" },
    { "a directory over a file", { "d d; f d/a=0", "f d=1" }, "d/ 0\nd/a 0\n" },
    { "a file between directories", { "d d; f d/a=0", "f d=1", "d d; f d/b=2" }, "d/ 0\nd/a 0\n" },
    { "a link over a directory", { "l d=0", "d d; f d/a=1" }, "d 0\n" },
    { "a link is not followed", { "d e; f e/x=0; l d=0", "f a=1" }, "a 1\nd 0\ne/ 0\ne/x 0\n" },
    { "removed, and made again", { "f a=0", "w a", "f a=2" }, "a 0\n" },
    { "removed inside what is merged", { "d d; w d/a", "d d; f d/a=1; f d/b=1" }, "d/ 0\nd/b 1\n" },
    { "empty directories", { "d a", "d a; d b", "d c" }, "a/ 0\nb/ 1\nc/ 2\n" },
    { "long names that begin alike",
      { "f abcdefgh=0; f abcdefghi=0", "f abcdefgh=1; f abcdefghj=1; f abcdefg=1" },
      "abcdefg 1\nabcdefgh 0\nabcdefghi 0\nabcdefghj 1\n" },
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        size_t n = 0;
        while (n < ELEMENTS(rows[i].layers) && rows[i].layers[n])
            n++;
        struct layer_stack stack = stack_make(*state, n);
        for (size_t layer = 0; layer < n; layer++)
            tree_make(stack_fd(&stack, layer), rows[i].layers[layer]);
        check_stack(&stack, rows[i].name, rows[i].want);
        stack_done(&stack);
    }
}

// ---- at random ---------------------------------------------------------------------------------

static uint64_t random_state;

static uint32_t pick(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

// Makes a directory with up to four of four names, down to three levels.
static void make_at_random(char *ret, size_t n_ret, const char *path, size_t layer, unsigned depth)
{
    static const char *const names[] = { "a", "b", "b-c", "longer-name" };
    static const char        kinds[] = "ffddowl";

    for (size_t i = 0; i < ELEMENTS(names); i++) {
        char   below[64], kind = kinds[pick(sizeof kinds - 1)];
        size_t n = strlen(ret);
        bool   is_dir = kind == 'd' || kind == 'o', has_data = kind == 'f' || kind == 'l';
        if (pick(3) == 0 || (is_dir && depth == 0))
            continue;
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", names[i]);
        if (has_data)
            snprintf(ret + n, n_ret - n, "%c %s=%zu;", kind, below, layer);
        else
            snprintf(ret + n, n_ret - n, "%c %s;", kind, below);
        if (is_dir)
            make_at_random(ret, n_ret, below, layer, depth - 1);
    }
}

static void test_at_random(void **state)
{
    for (unsigned round = 0; round < 40; round++) {
        random_state = round;
        size_t             n = 2 + pick(4);
        struct layer_stack stack = stack_make(*state, n);
        char               name[16];
        for (size_t layer = 0; layer < n; layer++) {
            char tree[TREE_TEXT_MAX] = "";
            make_at_random(tree, sizeof tree, "", layer, 2);
            tree_make(stack_fd(&stack, layer), tree);
        }
        snprintf(name, sizeof name, "round %u", round);
        check_stack(&stack, name, NULL);
        stack_done(&stack);
    }
}

// ---- what cannot be read -----------------------------------------------------------------------

static int show_roles(void *user, const struct view_entry *entry, struct error *err)
{
    static const char letters[] = { [LAYER_ROLE_SHOWN] = 's',
                                    [LAYER_ROLE_MERGED] = 'm',
                                    [LAYER_ROLE_SHADOWED] = 'h',
                                    [LAYER_ROLE_REMOVES] = 'r',
                                    [LAYER_ROLE_UNKNOWN] = 'u' };
    char             *text = user;
    size_t            n = strlen(text);

    (void)err;
    n += (size_t)snprintf(text + n, TEXT_MAX - n, "%s%s", n ? " " : "", entry->path);
    for (size_t i = 0; i < entry->n_claims; i++)
        n += (size_t)snprintf(text + n, TEXT_MAX - n, "%c%zu%c", i ? ',' : ':',
                              entry->claims[i].layer, letters[entry->claims[i].role]);
    return 0;
}

static void check_roles(const struct layer_stack *stack, const char *want)
{
    AUTO(view_freep) struct view *view = stack_view(stack);
    char                          text[TEXT_MAX] = "";
    struct error                  err = { 0 };

    assert_int_equal(view_walk(view, show_roles, text, &err), 0);
    assert_string_equal(text, want);
}

static void test_a_layer_that_cannot_be_read(void **state)
{
    struct layer_stack stack = stack_make(*state, 3);

    tree_make(stack_fd(&stack, 0), "f a=0; d d; o e");
    tree_make(stack_fd(&stack, 1), "f b=1");
    tree_make(stack_fd(&stack, 2), "f a=2; f b=2; d d; f d/c=2; d e; f e/f=2");
    check_roles(&stack, "a:0s,2h b:1s,2h d:0s,2m d/c:2s e:0s,2h e/f:2h");
    (void)fd_close(stack.layers.layer[1].fd);
    stack.layers.layer[1].fd = -1;
    check_roles(&stack, "a:0s,2h b:2u d:0s,2u d/c:2u e:0s,2h e/f:2h");
    AUTO(view_freep) struct view *view = stack_view(&stack);
    assert_null(view_index(view, 1));
    assert_int_equal(view_find(view, "b").node, INDEX_NONE);
    stack_done(&stack);
}

static void test_a_directory_that_cannot_be_read(void **state)
{
    struct layer_stack            stack = stack_make(*state, 2);
    AUTO(view_freep) struct view *view = NULL;
    struct error                  err = { 0 };
    char                          text[TEXT_MAX] = "";

    tree_make(stack_fd(&stack, 0), "n d; f a=0");
    tree_make(stack_fd(&stack, 1), "d d; f d/b=1; f c=1");
    assert_return_code(fchmod(stack.dir->fd, 0755), errno);
    become_content();
    int r = view_open(&view, &stack.layers, &err);
    root_again();
    assert_int_equal(r, 0);
    assert_int_equal(view_walk(view, show_roles, text, &err), 0);
    // The owner may not read it, and what lies below may be hidden.
    assert_string_equal(text, "a:0s c:1s d:0u,1u d/b:1u");
    stack_done(&stack);
}

// ---- indexes -----------------------------------------------------------------------------------

static void give_index(struct layer_stack *stack, size_t layer)
{
    AUTO(index_freep) struct index *index = NULL;
    struct error                    err = { 0 };

    assert_int_equal(scan(&index, stack_fd(stack, layer), &scan_generation, &err), 0);
    assert_int_equal(index_write(index, stack->dir->fd, "index", &err), 0);
    stack->layers.layer[layer].index_fd = openat(stack->dir->fd, "index", O_RDONLY | O_CLOEXEC);
}

static void test_an_index_stands_for_its_tree(void **state)
{
    struct layer_stack stack = stack_make(*state, 3);

    tree_make(stack_fd(&stack, 1), "f b=1");
    tree_make(stack_fd(&stack, 2), "f a=2; f b=2");
    give_index(&stack, 2);
    assert_return_code(unlinkat(stack_fd(&stack, 2), "a", 0), errno); // nobody looks
    AUTO(view_freep) struct view *view = stack_view(&stack);
    assert_int_equal(view_n_scanned(view), 1);
    check_roles(&stack, "a:2s b:1s,2h"); // and again
    stack_done(&stack);
}

static void test_a_damaged_index_is_replaced_by_a_walk(void **state)
{
    struct layer_stack stack = stack_make(*state, 2);

    tree_make(stack_fd(&stack, 1), "f a=1");
    give_index(&stack, 1);
    AUTO_FD fd = openat(stack.dir->fd, "index", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 60), 1);
    AUTO(view_freep) struct view *view = stack_view(&stack);
    assert_int_equal(view_n_scanned(view), 1);
    check_roles(&stack, "a:1s");
    stack_done(&stack);
}

static void test_names_that_differ_in_case(void **state)
{
    struct layer_stack stack = stack_make(*state, 3);
    char               found[INDEX_PATH_MAX];

    tree_make(stack_fd(&stack, 1), "d Maps; f Maps/One.bsp=1");
    tree_make(stack_fd(&stack, 2), "d maps; f maps/one.bsp=2; f maps/TWO.bsp=2");
    AUTO(view_freep) struct view *view = stack_view(&stack);
    static const struct {
        const char *path, *want;
        size_t      layer;
    } cases[] = {
        { "maps/one.bsp", "maps/one.bsp", 2 }, { "Maps/One.bsp", "Maps/One.bsp", 1 },
        { "MAPS/ONE.BSP", "Maps/One.bsp", 1 }, { "maps/two.bsp", "maps/TWO.bsp", 2 },
        { "maps/three.bsp", NULL, 0 },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct view_node node = view_find_folded(found, view, cases[i].path);
        if (!cases[i].want) {
            assert_int_equal(node.node, INDEX_NONE);
            continue;
        }
        if (node.node == INDEX_NONE)
            fail_msg("%s is not found", cases[i].path);
        assert_string_equal(found, cases[i].want);
        assert_int_equal(node.layer, cases[i].layer);
    }
    stack_done(&stack);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_rows),
        IN_DIR(test_at_random),
        IN_DIR(test_a_layer_that_cannot_be_read),
        IN_DIR(test_a_directory_that_cannot_be_read),
        IN_DIR(test_an_index_stands_for_its_tree),
        IN_DIR(test_a_damaged_index_is_replaced_by_a_walk),
        IN_DIR(test_names_that_differ_in_case),
    };

    if (geteuid() != 0)
        return 77; // whiteouts take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
