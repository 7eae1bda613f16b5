// SPDX-License-Identifier: MIT
#include "priv/unit.h"

#include <stdio.h>
#include <string.h>

#define SERVER   "left4me-server"
#define MOUNT    "left4me-mount"
#define UPDATE   "left4me-update"
#define SCRIPT   "left4me-script"
#define WORKSHOP "left4me-workshop"
#define FILES    "left4me-files"
#define PUBLISH  "left4me-publish"

static const char *const builders[] = {
    [BUILD_UPDATE] = UPDATE, [BUILD_SCRIPT] = SCRIPT,  [BUILD_WORKSHOP] = WORKSHOP,
    [BUILD_FILES] = FILES,   [BUILD_SELECT] = PUBLISH, [BUILD_COLLECT] = PUBLISH,
};
_Static_assert(ELEMENTS(builders) == BUILD_KIND_COUNT, "every kind of build has a unit");

static const char *const logs[] = {
    [LOG_SERVER] = SERVER,   [LOG_MOUNT] = MOUNT,   [LOG_UPDATE] = UPDATE,
    [LOG_PUBLISH] = PUBLISH, [LOG_SCRIPT] = SCRIPT, [LOG_WORKSHOP] = WORKSHOP,
    [LOG_FILES] = FILES,
};
_Static_assert(ELEMENTS(logs) == LOG_SOURCE_COUNT, "every source has a unit");

static struct unit_name named(const char *prefix, const char *name)
{
    struct unit_name unit;

    (void)snprintf(unit.text, sizeof unit.text, "%s@%s.service", prefix, name);
    return unit;
}

static struct unit_name numbered(const char *prefix, uint32_t number)
{
    struct unit_name unit;

    (void)snprintf(unit.text, sizeof unit.text, "%s@%u.service", prefix, number);
    return unit;
}

struct unit_name unit_server(const struct instance_name *name)
{
    return named(SERVER, name->text);
}

struct unit_name unit_mount(const struct instance_name *name)
{
    return named(MOUNT, name->text);
}

struct unit_name unit_edit(const struct instance_name *name)
{
    return named("left4me-edit", name->text);
}

struct unit_name unit_builder(enum build_kind kind, uint32_t build)
{
    return numbered(builders[kind], build);
}

bool unit_has_builder(enum build_kind kind)
{
    return strcmp(builders[kind], PUBLISH) != 0;
}

struct unit_name unit_build_mount(uint32_t build)
{
    return numbered("left4me-build-mount", build);
}

struct unit_name unit_publish(uint32_t build)
{
    return numbered(PUBLISH, build);
}

struct unit_name unit_of_log(enum log_source source, const struct instance_name *name)
{
    return named(logs[source], name->text);
}
