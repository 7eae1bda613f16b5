// SPDX-License-Identifier: MIT
#include "steam/output.h"

#include <stdbool.h>
#include <string.h>
#include "base/macros.h"
#include "steam/manifest.h"

#define DIGITS_MAX 19u // so that no number overflows 64 bits

static const struct steam_fault
    no_space = { "no-space", "there is not enough disk space for the game, which alone takes 10 "
                             "GB: free some and try again" },
    network = { "network", "Steam's servers could not be reached or broke off: check the "
                           "connection and DNS, or wait until Steam is back, and try again" },
    disk_write = { "disk-write", "SteamCMD could not write to the disk: look for a full or failing "
                                 "disk in the kernel log, and try again" },
    missing_files = { "missing-files", "Steam's update is missing files: try again, and if it "
                                       "stays, remove /var/lib/left4me/cache/steamcmd/*" },
    corrupt = { "corrupt", "the downloaded update is corrupt: try again, and if it stays, check "
                           "disk and memory of this machine" },
    unfinished = { "unfinished", "SteamCMD stopped before the update was complete: try again" },
    unknown_state = { "unknown-state", "SteamCMD ended in a state that is not known: its last "
                                       "lines above may say why" },
    missing_configuration = { "missing-configuration",
                              "Steam did not deliver the app's configuration: try again in a few "
                              "minutes" },
    no_subscription = { "no-subscription",
                        "the anonymous Steam account has no licence for app " MANIFEST_APP
                        ": Valve changed who may download it" },
    login = { "login", "Steam refused the anonymous login: wait a few minutes and try again" },
    rate_limit = { "rate-limit", "Steam refused the login because there were too many from this "
                                 "address: wait half an hour and try again" },
    two_factor = { "two-factor", "Steam asks for a second factor, which an anonymous login never "
                                 "needs: remove the login data from SteamCMD's directory" },
    app_info = { "app-info", "Steam did not answer what the app consists of: try again in a few "
                             "minutes" },
    invalid_platform = { "invalid-platform", "Steam has no such app for the platform asked for" },
    no_i386 = { "no-i386", "SteamCMD is a 32-bit program and cannot start here: run 'apt install "
                           "libc6-i386 lib32gcc-s1 lib32stdc++6'" },
    failed = { "failed",
               "SteamCMD could not install the app: run it with --verbose to see its last lines" };

// ---- tables -----------------------------------------------------------------------------------

static const struct {
    uint32_t                  state;
    const struct steam_fault *fault;
} states[] = {
    { 0x002, &unfinished },   { 0x006, &unfinished },    { 0x10e, &unfinished },
    { 0x202, &no_space },     { 0x206, &no_space },      { 0x212, &no_space },
    { 0x402, &network },      { 0x406, &network },       { 0x602, &network },
    { 0x606, &disk_write },   { 0x626, &missing_files }, { 0x6a6, &corrupt },
    { 0x10502, &unfinished },
};

// "ERROR! Failed to install app '222860' (REASON)"
static const struct {
    const char               *reason;
    const struct steam_fault *fault;
} reasons[] = {
    { "Missing configuration", &missing_configuration },
    { "No subscription", &no_subscription },
    { "Not enough disk space", &no_space },
    { "Disk write failure", &disk_write },
    { "Disk read failure", &disk_write },
    { "No connection", &network },
    { "No connection to content servers", &network },
    { "Content servers unreachable", &network },
    { "Timeout", &network },
    { "Missing update files", &missing_files },
    { "Corrupt update files", &corrupt },
    { "Corrupt content", &corrupt },
    { "Corrupt download", &corrupt },
    { "Invalid platform", &invalid_platform },
};

// Lines with both texts in them, first match first.
static const struct {
    const char               *first, *second;
    const struct steam_fault *fault;
} phrases[] = {
    { "linux32/steamcmd", "No such file or directory", &no_i386 },
    { "linux32/steamcmd", "cannot execute", &no_i386 },
    { "linux32/steamcmd", "Exec format error", &no_i386 },
    { "Two-factor code mismatch", "", &two_factor },
    { "Two-factor code:", "", &two_factor },
    { "Steam Guard code:", "", &two_factor },
    { "Rate Limit Exceeded", "", &rate_limit },
    { "Login Failure", "No Connection", &network },
    { "Login Failure", "", &login },
    { "FAILED login with result code", "No Connection", &network },
    { "FAILED login with result code", "", &login },
    { "Connecting anonymously to Steam Public", "FAILED", &network },
    { "Logging in", "FAILED", &login },
    { "FAILED (No Connection)", "", &network },
    { "Timed out waiting for AppInfo update", "", &app_info },
    { "Steam needs to be online to update", "", &network },
    { "No subscription", "", &no_subscription },
    { "Not enough disk space", "", &no_space },
};

// The fault of a state after an update job; never NULL.
static const struct steam_fault *fault_of_state(uint32_t state)
{
    for (size_t i = 0; i < ELEMENTS(states); i++)
        if (states[i].state == state)
            return states[i].fault;
    return &unknown_state;
}

// ---- a cursor that cannot pass the end --------------------------------------------------------

struct cursor {
    const char *at, *end;
};

static bool take_text(struct cursor *cursor, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(cursor->end - cursor->at) < n || memcmp(cursor->at, text, n) != 0)
        return false;
    cursor->at += n;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static bool take_number(struct cursor *cursor, uint64_t *ret, unsigned base, size_t digits_max)
{
    uint64_t value = 0;
    size_t   n = 0;

    for (; cursor->at < cursor->end && digit_of(*cursor->at) < (int)base; n++, cursor->at++) {
        if (n == digits_max)
            return false;
        value = value * base + (uint64_t)digit_of(*cursor->at);
    }
    *ret = value;
    return n > 0;
}

static bool take_state(struct cursor *cursor, uint32_t *ret)
{
    uint64_t value = 0;

    if (!take_text(cursor, "0x") || !take_number(cursor, &value, 16, 8))
        return false;
    *ret = (uint32_t)value;
    return true;
}

// "12.34" as hundredths.
static bool take_percent(struct cursor *cursor, uint32_t *ret)
{
    uint64_t whole = 0, part = 0;

    if (!take_number(cursor, &whole, 10, 3))
        return false;
    if (take_text(cursor, ".")) {
        const char *from = cursor->at;
        if (!take_number(cursor, &part, 10, 2))
            return false;
        if (cursor->at - from == 1)
            part *= 10;
    }
    if (whole * 100 + part > 10000)
        return false;
    *ret = (uint32_t)(whole * 100 + part);
    return true;
}

static bool skip_past(struct cursor *cursor, const char *text)
{
    size_t      n = (size_t)(cursor->end - cursor->at);
    const char *found = n > 0 ? memmem(cursor->at, n, text, strlen(text)) : NULL;

    if (!found)
        return false;
    cursor->at = found + strlen(text);
    return true;
}

// Colours ("\x1b[0m") and spaces.
static void skip_decoration(struct cursor *cursor)
{
    while (cursor->at < cursor->end) {
        if (*cursor->at == ' ' || *cursor->at == '\t') {
            cursor->at++;
        } else if (take_text(cursor, "\x1b[")) {
            while (cursor->at < cursor->end && *cursor->at >= 0x20 && *cursor->at < 0x40)
                cursor->at++;
            if (cursor->at < cursor->end)
                cursor->at++;
        } else {
            return;
        }
    }
}

static bool is_at_end(const struct cursor *cursor)
{
    struct cursor rest = *cursor;

    skip_decoration(&rest);
    return rest.at == rest.end;
}

// ---- the kinds of line ------------------------------------------------------------------------

// "Update state (0x61) downloading, progress: 12.34 (1234 / 9999)"
static bool parse_progress(struct cursor cursor, struct steam_event *ret)
{
    ret->kind = STEAM_PROGRESS;
    return take_text(&cursor, "Update state (") && take_state(&cursor, &ret->state) &&
           skip_past(&cursor, "progress: ") && take_percent(&cursor, &ret->hundredths) &&
           take_text(&cursor, " (") && take_number(&cursor, &ret->done, 10, DIGITS_MAX) &&
           take_text(&cursor, " / ") && take_number(&cursor, &ret->total, 10, DIGITS_MAX) &&
           take_text(&cursor, ")");
}

// "Success! App '222860' fully installed." or "already up to date."
static bool parse_success(struct cursor cursor, struct steam_event *ret)
{
    ret->kind = STEAM_SUCCESS;
    return take_text(&cursor, "Success! App '" MANIFEST_APP "' ") &&
           (take_text(&cursor, "fully installed") || take_text(&cursor, "already up to date"));
}

static bool parse_failed_install(struct cursor cursor, struct steam_event *ret)
{
    if (!take_text(&cursor, "ERROR! Failed to install app '" MANIFEST_APP "' ("))
        return false;
    ret->kind = STEAM_FAILURE;
    ret->fault = &failed;
    for (size_t i = 0; i < ELEMENTS(reasons); i++) {
        struct cursor rest = cursor;
        if (take_text(&rest, reasons[i].reason) && take_text(&rest, ")")) {
            ret->fault = reasons[i].fault;
            if (ret->fault == &missing_configuration && is_at_end(&rest))
                ret->kind = STEAM_RETRY;
        }
    }
    return true;
}

// "Error! App '222860' state is 0x202 after update job.", and two older forms of it.
static bool parse_final_state(struct cursor cursor, struct steam_event *ret)
{
    if (!take_text(&cursor, "Error! "))
        return false;
    if (!take_text(&cursor, "State is ") &&
        !(take_text(&cursor, "App '" MANIFEST_APP "' state is ") &&
          (take_text(&cursor, "is ") || true)))
        return false;
    if (!take_state(&cursor, &ret->state) || !take_text(&cursor, " after update job"))
        return false;
    ret->kind = STEAM_FAILURE;
    ret->fault = fault_of_state(ret->state);
    return true;
}

static bool parse_phrase(struct cursor cursor, struct steam_event *ret)
{
    for (size_t i = 0; i < ELEMENTS(phrases); i++) {
        struct cursor first = cursor, second = cursor;
        if (skip_past(&first, phrases[i].first) && skip_past(&second, phrases[i].second)) {
            ret->kind = STEAM_FAILURE;
            ret->fault = phrases[i].fault;
            return true;
        }
    }
    return false;
}

size_t steam_output_decoration(const char *line, size_t n_line)
{
    struct cursor cursor = { line, line + n_line };

    skip_decoration(&cursor);
    return (size_t)(cursor.at - line);
}

struct steam_event steam_output_parse(const char *line, size_t n_line)
{
    static bool (*const parsers[])(struct cursor cursor, struct steam_event * ret) = {
        parse_progress, parse_success, parse_failed_install, parse_final_state, parse_phrase,
    };
    struct cursor cursor = { line, line + n_line };

    skip_decoration(&cursor);
    for (size_t i = 0; i < ELEMENTS(parsers); i++) {
        struct steam_event event = { 0 };
        if (parsers[i](cursor, &event))
            return event;
    }
    return (struct steam_event){ .kind = STEAM_OTHER };
}
