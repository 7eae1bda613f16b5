// SPDX-License-Identifier: MIT
#include "unit.h"

#include "base/dir.h"

static void test_every_name_once_without_dots(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };
    AUTO_DIR         list = NULL;
    const char      *name;
    int              n_seen = 0, r;

    unit_write(dir->fd, "a", "");
    unit_write(dir->fd, ".hidden", "");
    unit_write(dir->fd, "sub/file", "");
    for (int round = 0; round < 2; round++) { // a list begins at the beginning, each time
        n_seen = 0;
        dir_closep(&list);
        assert_int_equal(dir_open(&list, dir->fd, &err), 0);
        while ((r = dir_next(&name, list, &err)) > 0) {
            assert_true(strcmp(name, "a") == 0 || strcmp(name, ".hidden") == 0 ||
                        strcmp(name, "sub") == 0);
            n_seen++;
        }
        assert_int_equal(r, 0);
        assert_int_equal(n_seen, 3);
    }
}

static void test_a_failing_list_is_no_end(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };
    AUTO_DIR         list = NULL;
    const char      *name;

    assert_int_equal(dir_open(&list, dir->fd, &err), 0);
    close(dirfd(list)); // the list's own descriptor: reading it fails from now on
    assert_int_equal(dir_next(&name, list, &err), -1);
    assert_int_equal(dir_open(&list, -1, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_name_once_without_dots, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_list_is_no_end, unit_dir_setup,
                                        unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
