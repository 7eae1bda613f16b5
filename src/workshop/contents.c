// SPDX-License-Identifier: MIT
#include "workshop/contents.h"

#include <string.h>
#include "base/text.h"
#include "pak/addon.h"
#include "pak/vpkcheck.h"

static void take_name(struct contents_list *list, const char *name)
{
    if (list->n < CONTENTS_LIST_MAX)
        (void)text_sanitize(list->names[list->n], CONTENTS_NAME_MAX, name, strlen(name));
    list->n++;
}

int contents_read(struct contents *ret, int dir_fd, const char *name, struct error *err)
{
    AUTO(vpk_closep) struct vpk    *vpk = NULL;
    AUTO(addon_freep) struct addon *addon = NULL;
    struct vpk_checked              checked;
    struct contents                 contents = { 0 };

    if (vpk_open(&vpk, dir_fd, name, err) < 0 || vpk_check(&checked, vpk, NULL, err) < 0 ||
        addon_inspect(&addon, vpk, err) < 0)
        return -1;
    contents.n_files = (uint32_t)vpk_count(vpk);
    contents.n_models = addon->n_files[ADDON_MODEL];
    contents.n_scripts = addon->n_files[ADDON_SCRIPT];
    for (uint32_t i = 0; i < addon->n_maps; i++)
        take_name(&contents.maps, addon->maps[i].name);
    for (uint32_t i = 0; i < addon->n_missions; i++)
        take_name(&contents.missions, addon->missions[i].name);
    *ret = contents;
    return 0;
}
