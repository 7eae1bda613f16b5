// SPDX-License-Identifier: MIT
#include "priv/unit.h"

#include <stdio.h>
#include <string.h>

#define PUBLISHER "left4me-publish"

static const char *const builders[] = {
    [BUILD_UPDATE] = "left4me-update",
    [BUILD_SCRIPT] = "left4me-script",
    [BUILD_WORKSHOP] = "left4me-workshop",
    [BUILD_FILES] = "left4me-files",
    [BUILD_SELECT] = PUBLISHER,
    [BUILD_COLLECT] = PUBLISHER,
};
_Static_assert(ELEMENTS(builders) == BUILD_KIND_COUNT, "every kind of build has a unit");

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
    return named("left4me-server", name->text);
}

struct unit_name unit_mount(const struct instance_name *name)
{
    return named("left4me-mount", name->text);
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
    return strcmp(builders[kind], PUBLISHER) != 0;
}

struct unit_name unit_build_mount(uint32_t build)
{
    return numbered("left4me-build-mount", build);
}

struct unit_name unit_publish(uint32_t build)
{
    return numbered(PUBLISHER, build);
}
