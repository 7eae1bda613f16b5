// SPDX-License-Identifier: MIT
#pragma once

// overlaylist: what the host says of all overlays, as new as a change of one of them.
//
// It is asked when a change is to be told that came after the last time; for many changes once.

#include "web/api.h"

struct overlay_list;

// `came` is called when the host has answered.
int overlay_list_open(struct overlay_list **ret, struct web *web, void (*came)(void *context),
                      void *context, struct error *err) MUST_USE;
struct overlay_list *overlay_list_close(struct overlay_list *list); // takes NULL, returns NULL

// *ret is borrowed until the next call; NULL: the host did not say. ERROR_UNAVAILABLE: it is asked,
// and `came` is called when it has answered.
int overlay_list_get(const json_t **ret, struct overlay_list *list, int64_t change,
                     struct error *err) MUST_USE;
