// SPDX-License-Identifier: MIT
#pragma once

// viewer: who looks, as the conditions of queries. For src/store alone.
//
// Each of these expects a value :viewer, which is the id of a user, or VIEWER_ALL, and gives the
// bits of grant.h: 0 for what he does not even see.

// Of a row of `servers`.
#define SERVER_MAY                                                                                 \
    "iif(:viewer IN (0, servers.owner), 31, coalesce((SELECT server_grants.may FROM "              \
    "server_grants WHERE server_grants.server = servers.id AND server_grants.user = :viewer), 0))"

// Of a row of `blueprints`.
#define BLUEPRINT_MAY "iif(:viewer IN (0, blueprints.owner), 31, blueprints.is_shared)"

// Of a row of `overlays`. Who may change the files of a server has its own overlay.
#define OVERLAY_MAY                                                                                \
    "CASE WHEN :viewer = 0 OR overlays.owner IS :viewer THEN 31 "                                  \
    "WHEN EXISTS (SELECT 1 FROM servers WHERE servers.overlay = overlays.id "                      \
    "AND servers.owner = :viewer) THEN 31 "                                                        \
    "WHEN EXISTS (SELECT 1 FROM servers JOIN server_grants ON server_grants.server = servers.id "  \
    "WHERE servers.overlay = overlays.id AND server_grants.user = :viewer "                        \
    "AND server_grants.may & 8) THEN 11 "                                                          \
    "ELSE overlays.is_shared OR overlays.type = 'game' END"

// Of a row of `jobs`: who has asked for one may all, others what they may with what it is about.
#define JOB_MAY                                                                                    \
    "iif(:viewer IN (0, coalesce(jobs.asked_by, -1)), 31, "                                        \
    "coalesce((SELECT " SERVER_MAY " FROM servers WHERE servers.id = jobs.server), 0) | "          \
    "coalesce((SELECT " OVERLAY_MAY " FROM overlays WHERE overlays.id = jobs.overlay), 0))"
