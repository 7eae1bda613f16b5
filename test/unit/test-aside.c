// SPDX-License-Identifier: MIT
#include "web/aside.h"
#include "unit.h"

#include <semaphore.h>

#define TASKS 6u

// What the tasks of a test have in common.
struct scene {
    sd_event     *event;
    struct aside *aside;
    sem_t         begun, goes_on; // of those that wait for it
    unsigned      n_worked, n_done, n_told, n_dropped, n_late;
};

struct thing {
    struct aside_task task;
    struct scene     *scene;
    bool              waits;
    unsigned          number, *order;
};

static void work(struct aside_task *task)
{
    struct thing *thing = (struct thing *)task;

    if (thing->waits) {
        sem_post(&thing->scene->begun);
        sem_wait(&thing->scene->goes_on);
    }
    __atomic_add_fetch(&thing->scene->n_worked, 1, __ATOMIC_SEQ_CST);
}

static void done(struct aside_task *task)
{
    struct thing *thing = (struct thing *)task;

    thing->scene->n_late += task->is_late;
    thing->scene->n_told += task->waiter != NULL;
    if (thing->order)
        thing->order[thing->scene->n_done] = thing->number;
    thing->scene->n_done++;
}

static void drop(struct aside_task *task)
{
    ((struct thing *)task)->scene->n_dropped++;
    free(task);
}

static int ask(struct scene *scene, const void *waiter, bool waits, unsigned number,
               unsigned *order, struct error *err)
{
    struct thing *thing = calloc(1, sizeof *thing);

    assert_non_null(thing);
    thing->task = (struct aside_task){ .work = work, .done = done, .drop = drop, .waiter = waiter };
    thing->scene = scene;
    thing->waits = waits;
    thing->number = number;
    thing->order = order;
    return aside_run(scene->aside, &thing->task, err);
}

static int ask_as(struct scene *scene, int64_t user, bool waits, struct error *err)
{
    struct thing *thing = calloc(1, sizeof *thing);

    assert_non_null(thing);
    thing->task = (struct aside_task){
        .work = work, .done = done, .drop = drop, .waiter = scene, .user = user
    };
    thing->scene = scene;
    thing->waits = waits;
    return aside_run(scene->aside, &thing->task, err);
}

static void open_limited(struct scene *scene, const struct aside_limits *limits)
{
    struct error err;

    *scene = (struct scene){ 0 };
    assert_true(sd_event_new(&scene->event) >= 0);
    assert_int_equal(aside_open(&scene->aside, scene->event, limits, "come back later", &err), 0);
    sem_init(&scene->begun, 0, 0);
    sem_init(&scene->goes_on, 0, 0);
}

static void open_scene(struct scene *scene, unsigned threads)
{
    open_limited(scene, &(struct aside_limits){ .threads = threads, .tasks = TASKS });
}

static void close_scene(struct scene *scene)
{
    scene->aside = aside_close(scene->aside);
    sd_event_unref(scene->event);
    sem_destroy(&scene->begun);
    sem_destroy(&scene->goes_on);
}

static void turn_until(struct scene *scene, const unsigned *n, unsigned want)
{
    while (*n < want)
        assert_true(sd_event_run(scene->event, UINT64_MAX) >= 0);
}

static void test_one_after_the_other(void **state)
{
    struct scene scene;
    struct error err;
    unsigned     order[TASKS];

    (void)state;
    open_scene(&scene, 1);
    for (unsigned i = 0; i < TASKS; i++)
        assert_int_equal(ask(&scene, &scene, false, i, order, &err), 0);
    turn_until(&scene, &scene.n_dropped, TASKS);
    assert_int_equal(scene.n_told, TASKS);
    for (unsigned i = 0; i < TASKS; i++)
        assert_int_equal(order[i], i);
    close_scene(&scene);
}

// One that takes long holds up nobody where there are two to work.
static void test_side_by_side(void **state)
{
    struct scene scene;
    struct error err;
    unsigned     order[2];

    (void)state;
    open_scene(&scene, 2);
    assert_int_equal(ask(&scene, &scene, true, 0, order, &err), 0);
    sem_wait(&scene.begun);
    assert_int_equal(ask(&scene, &scene, false, 1, order, &err), 0);
    turn_until(&scene, &scene.n_done, 1);
    assert_int_equal(order[0], 1);
    sem_post(&scene.goes_on);
    turn_until(&scene, &scene.n_done, 2);
    assert_int_equal(order[1], 0);
    close_scene(&scene);
}

// Who asks for more than his part leaves the rest to others.
static void test_one_user(void **state)
{
    struct scene scene;
    struct error err;

    (void)state;
    open_limited(&scene, &(struct aside_limits){ .threads = 1, .tasks = TASKS, .of_user = 2 });
    assert_int_equal(ask_as(&scene, 7, true, &err), 0);
    sem_wait(&scene.begun);
    assert_int_equal(ask_as(&scene, 7, false, &err), 0);
    assert_int_equal(ask_as(&scene, 7, false, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(ask_as(&scene, 8, false, &err), 0);
    for (unsigned i = 3; i < TASKS; i++)
        assert_int_equal(ask_as(&scene, 0, false, &err), 0);
    assert_int_equal(ask_as(&scene, 9, false, &err), -1);
    sem_post(&scene.goes_on);
    turn_until(&scene, &scene.n_done, TASKS);
    assert_int_equal(ask_as(&scene, 7, false, &err), 0);
    turn_until(&scene, &scene.n_done, TASKS + 1);
    close_scene(&scene);
}

// Whose tasks stand holds up his own alone, and they go on where they were.
static void test_one_user_who_waits(void **state)
{
    struct scene scene;
    struct error err;

    (void)state;
    open_limited(&scene, &(struct aside_limits){ .threads = 2, .tasks = TASKS, .at_once = 1 });
    assert_int_equal(ask_as(&scene, 7, true, &err), 0);
    sem_wait(&scene.begun);
    assert_int_equal(ask_as(&scene, 7, true, &err), 0);
    assert_int_equal(ask_as(&scene, 8, false, &err), 0);
    assert_int_equal(ask_as(&scene, 0, false, &err), 0);
    turn_until(&scene, &scene.n_done, 2);
    assert_int_equal(sem_trywait(&scene.begun), -1);
    sem_post(&scene.goes_on);
    sem_wait(&scene.begun);
    sem_post(&scene.goes_on);
    turn_until(&scene, &scene.n_done, 4);
    close_scene(&scene);
}

static void test_it_is_full(void **state)
{
    struct scene scene;
    struct error err;

    (void)state;
    open_scene(&scene, 1);
    assert_int_equal(ask(&scene, &scene, true, 0, NULL, &err), 0);
    sem_wait(&scene.begun);
    for (unsigned i = 1; i < TASKS; i++)
        assert_int_equal(ask(&scene, &err, false, i, NULL, &err), 0);
    assert_int_equal(ask(&scene, &scene, false, TASKS, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "come back later");
    assert_int_equal(scene.n_dropped, 1);
    // Those whose client is gone do not begin, and make room; of the one under way nobody is told.
    aside_forget(scene.aside, &err);
    assert_int_equal(scene.n_dropped, TASKS);
    aside_forget(scene.aside, &scene);
    assert_int_equal(ask(&scene, &err, false, 1, NULL, &err), 0);
    sem_post(&scene.goes_on);
    turn_until(&scene, &scene.n_dropped, TASKS + 2);
    assert_int_equal(scene.n_worked, 2);
    assert_int_equal(scene.n_done, 2);
    assert_int_equal(scene.n_told, 1);
    close_scene(&scene);
}

static void test_it_is_closed(void **state)
{
    struct scene scene;
    struct error err;

    (void)state;
    open_scene(&scene, 1);
    assert_int_equal(ask(&scene, &scene, true, 0, NULL, &err), 0);
    sem_wait(&scene.begun);
    assert_int_equal(ask(&scene, &scene, true, 1, NULL, &err), 0);
    sem_post(&scene.goes_on);
    sem_post(&scene.goes_on); // the second one may begin before it hears of the end
    close_scene(&scene);
    assert_int_equal(scene.n_dropped, 2);
    assert_int_equal(scene.n_done, 0);
}

// What he was allowed to do who asked for it may be over: it is told, and not done.
static void test_one_that_has_waited_too_long(void **state)
{
    struct scene  scene;
    struct error  err;
    struct thing *late = calloc(1, sizeof *late);

    (void)state;
    assert_non_null(late);
    open_limited(&scene, &(struct aside_limits){ .threads = 1, .tasks = TASKS, .wait_ms = 60000 });
    assert_int_equal(ask(&scene, &scene, true, 0, NULL, &err), 0);
    sem_wait(&scene.begun); // the one thread has enough to do
    late->task = (struct aside_task){ .work = work, .done = done, .drop = drop, .waiter = &scene };
    late->scene = &scene;
    assert_int_equal(aside_run(scene.aside, &late->task, &err), 0);
    late->task.came_ms -= 60001;
    assert_int_equal(ask(&scene, &scene, false, 0, NULL, &err), 0);
    sem_post(&scene.goes_on);
    turn_until(&scene, &scene.n_dropped, 3);
    assert_int_equal(scene.n_worked, 2);
    assert_int_equal(scene.n_late, 1);
    assert_int_equal(scene.n_told, 3);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_one_user),
        cmocka_unit_test(test_one_user_who_waits),
        cmocka_unit_test(test_one_that_has_waited_too_long),
        cmocka_unit_test(test_it_is_full),
        cmocka_unit_test(test_it_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
