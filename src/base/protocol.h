// SPDX-License-Identifier: MIT
#pragma once

// protocol: what an unprivileged process may say to a privileged one, and the root-owned files
// that carry it on.
//
// Every message is one fixed-size struct in one SOCK_SEQPACKET datagram: nothing to parse, nothing
// to allocate. It holds validated names, numbers of overlays, generations and builds, and bounded
// integers; never a path, a unit name, an option or free text. Bytes that carry no meaning are
// zero, and a message where they are not is refused. Both ends are built from the same package, so
// the integers are in host order.

#include <stdint.h>
#include "base/error.h"

#define PROTOCOL_BROKER_SOCKET "/run/left4me/broker.sock"
#define PROTOCOL_LOG_SOCKET    "/run/left4me/log.sock"
#define PROTOCOL_DOCTOR_SOCKET "/run/left4me/doctor.sock"
#define PROTOCOL_MAGIC         0x314d344cu // "L4M1"

#define INSTANCE_NAME_MAX     64u   // bytes, without the NUL
#define INSTANCES_MAX         1024u // that have been given something to run
#define STACK_LAYERS_MAX      250u  // short names keep their mount options within one page
#define LIMIT_CPUS_MAX        256u  // processors a server may be pinned to: bits of limits.cpus
#define LIMIT_MEMORY_DEFAULT  (UINT64_C(4) << 30) // as in left4me-server@.service; a test compares
#define LIMIT_TASKS_DEFAULT   512u                // likewise
#define LIMIT_MEMORY_MIN      (UINT64_C(64) << 20)
#define LIMIT_MEMORY_MAX      (UINT64_C(1) << 44)
#define LIMIT_CPU_PERCENT_MAX 25600u
#define LIMIT_TASKS_MIN       16u
#define LIMIT_TASKS_MAX       65536u
#define LOG_LINES_MAX         10000u
#define LOG_LINE_BYTES_MAX    8192u       // longer journal entries arrive cut
#define NUMBER_MAX            0x7fffffffu // of overlays, generations and builds; 0 means none

#define OVERLAYS_MAX 4096u

#define GAME_OVERLAY 1u // the overlay that the installer fills; it exists from the first day

#define OUTPUT_MAX_DEFAULT (UINT64_C(20) << 30) // bytes of a build's output
#define OUTPUT_MAX_MIN     (UINT64_C(1) << 20)
#define OUTPUT_MAX_MAX     (UINT64_C(1) << 44)
#define KEEP_MAX           200u // generations

// [a-z0-9][a-z0-9_-]{0,63}, padded with NULs to the end.
struct instance_name {
    char text[INSTANCE_NAME_MAX + 8];
};

struct layer_ref {
    uint32_t overlay;
    uint32_t generation;
};

struct instance_limits {
    uint64_t memory_bytes;              // 0: as the unit file says
    uint32_t cpu_percent;               // of one processor; 0: no limit
    uint32_t tasks;                     // 0: as the unit file says
    uint64_t cpus[LIMIT_CPUS_MAX / 64]; // processors to run on, bit by bit; all 0: any
};

// What a server is started with.
struct instance_stack {
    uint32_t               config_generation;
    uint32_t               n_layers;
    struct layer_ref       layers[STACK_LAYERS_MAX];         // top first, without upper and config
    uint16_t               port, tv_port, client_port, zero; // tv and client: 0 means unused
    struct instance_limits limits;
};

// ---- the broker -----------------------------------------------------------------------------

enum verb {
    VERB_INSTANCE_CREATE = 1, // make the directories of an instance
    VERB_INSTANCE_APPLY,      // while stopped: what the next start will run
    VERB_INSTANCE_START,      // enable and start
    VERB_INSTANCE_STOP,       // disable and stop
    VERB_INSTANCE_RESTART,    // stop, wait for the unmount, apply, start
    VERB_INSTANCE_KILL,       // disable and stop without asking the game
    VERB_INSTANCE_WIPE,       // while stopped: drop the upper layer
    VERB_INSTANCE_EDIT,       // while stopped: drop some of what the game wrote
    VERB_INSTANCE_REMOVE,     // while stopped: drop everything
    VERB_INSTANCE_STATUS,     // what the init system says
    VERB_BUILD_START,         // mount a scratch over an overlay and run its builder
    VERB_BUILD_STOP,          // end a build
    VERB_PUBLISH,             // turn a finished build into a generation
    VERB_BUILD_REMOVE,        // drop a build's scratch
    VERB_OVERLAY_CREATE,      // hand out the next number, make the directories
    VERB_OVERLAY_REMOVE,      // drop an overlay that nobody uses, with everything of it
    VERB_COUNT,
};

// What an overlay is made from, for as long as it lives.
enum overlay_type {
    OVERLAY_GAME = 1, // SteamCMD; GAME_OVERLAY alone
    OVERLAY_SCRIPT,   // a script of the user
    OVERLAY_WORKSHOP, // a list of Workshop items
    OVERLAY_FILES,    // a tree of files that people edit
    OVERLAY_TYPE_COUNT,
};

enum build_kind {
    BUILD_UPDATE = 1, // SteamCMD, over the game overlay
    BUILD_SCRIPT,     // the script, over its overlay
    BUILD_WORKSHOP,   // what the list says
    BUILD_FILES,      // what the tree holds
    BUILD_SELECT,     // no builder: the base generation becomes the current one
    BUILD_COLLECT,    // no builder: generations that nobody needs are dropped
    BUILD_KIND_COUNT,
};

#define BUILD_FRESH 0x1u // the cache of the overlay is emptied first
#define BUILD_HOLD  0x2u // what is published does not become the current generation

struct request_header {
    uint32_t magic;
    uint16_t verb;
    uint16_t n_bytes; // of the whole message
};

// With instance-edit comes a descriptor of sealed memory: the paths to drop from the upper layer,
// each with its NUL. The broker does not read them.
#define EDIT_BYTES_MAX (1u << 20)

struct request_name { // create, start, stop, kill, wipe, edit, remove, status
    struct request_header header;
    struct instance_name  name;
};

struct request_stack { // apply, restart
    struct request_header header;
    struct instance_name  name;
    struct instance_stack stack;
};

struct request_build_start {
    struct request_header header;
    uint32_t              kind; // enum build_kind
    uint32_t              overlay;
    uint32_t              base_generation; // 0: start from nothing
    uint32_t              keep;            // generations to keep when it is published, at least 1
    uint32_t              flags;           // BUILD_FRESH, BUILD_HOLD
    uint32_t              zero;
    uint64_t              output_max_bytes;
};

struct request_overlay { // overlay-create, overlay-remove
    struct request_header header;
    uint32_t              type;    // enum overlay_type; 0 with overlay-remove
    uint32_t              overlay; // 0 with overlay-create
};

struct request_build { // build-stop, publish, build-remove
    struct request_header header;
    uint32_t              build;
    uint32_t              zero;
};

union request {
    struct request_header      header;
    struct request_name        name;
    struct request_stack       stack;
    struct request_build_start build_start;
    struct request_build       build;
    struct request_overlay     overlay;
};

struct reply {
    uint32_t magic;
    uint32_t kind; // enum error_kind; ERROR_NONE: done
    int32_t  errnum;
    uint32_t job;     // of the init system, to wait for; 0: there is nothing to wait for
    uint32_t build;   // of build-start
    uint32_t overlay; // of overlay-create
    uint32_t pid;     // of instance-status: the game's supervisor, 0 when not running
    uint8_t  is_enabled;
    uint8_t  zero[3];
    char     active_state[24]; // of instance-status, as the init system words it
    char     sub_state[24];
    char     result[24];
    char     message[ERROR_MESSAGE_MAX];
};

// ---- the log reader -------------------------------------------------------------------------

enum log_source {
    LOG_SERVER = 1, // name: the instance
    LOG_MOUNT,      // name: the instance
    LOG_UPDATE,     // name: the build, in decimal
    LOG_PUBLISH,    // name: the build, in decimal
    LOG_SCRIPT,     // likewise
    LOG_WORKSHOP,   // likewise
    LOG_FILES,      // likewise
    LOG_SOURCE_COUNT,
};

#define LOG_FOLLOW   0x1u // go on until the caller closes
#define LOG_ALL_RUNS 0x2u // not only the newest invocation of the unit

struct log_request {
    uint32_t             magic;
    uint32_t             source;   // enum log_source
    uint32_t             n_lines;  // that have been written before, at most LOG_LINES_MAX
    uint32_t             flags;    // all runs, with since_us
    uint64_t             since_us; // not 0: every line from this time on, since 1970; n_lines is 0
    struct instance_name name;
};

// One journal entry; `n_text` bytes follow, forced to UTF-8 without control bytes. An entry with
// n_text 0 and priority 255 says that what was asked for has been sent (and, when following, that
// new entries come from here on).
struct log_entry {
    uint64_t realtime_us;
    uint8_t  priority;
    uint8_t  is_init; // 1: the init system says it of the unit; 0: the unit's own processes say it
    uint8_t  zero[2];
    uint32_t n_text;
    char     run[40]; // the unit's invocation, hexadecimal; empty: unknown
};
#define LOG_PRIORITY_MARK 255u

// ---- files, read by base/spec.h --------------------------------------------------------------

// /var/lib/left4me-host/instances/NAME, written by the broker; copied by the mount helper to
// /run/left4me-host/mounted/NAME as the record of what is mounted.
struct instance_spec {
    uint32_t              magic;
    uint32_t              n_bytes;
    uint64_t              revision;     // counts up with every apply
    uint32_t              is_unsettled; // 1: an apply was cut short: limits are not known
    uint32_t              zero;
    struct instance_name  name;
    struct instance_stack stack;
};

// /var/lib/left4me-host/builds/ID, written by the broker.
struct build_spec {
    uint32_t magic;
    uint32_t n_bytes;
    uint32_t build;
    uint32_t kind; // enum build_kind
    uint32_t overlay;
    uint32_t base_generation;
    uint32_t new_generation;
    uint32_t keep;
    uint64_t output_max_bytes;
    uint32_t flags; // BUILD_FRESH, BUILD_HOLD
    uint32_t zero;
};

// /var/lib/left4me-host/overlays/ID, written by the broker. GAME_OVERLAY has none.
struct overlay_spec {
    uint32_t magic;
    uint32_t n_bytes;
    uint32_t overlay;
    uint32_t type; // enum overlay_type
};

#define PROTOCOL_DATA_DIR    "/var/lib/left4me"
#define PROTOCOL_HOST_DIR    "/var/lib/left4me-host"
#define PROTOCOL_MOUNTED_DIR "/run/left4me-host/mounted"

// ---- validators: each says no in one sentence -------------------------------------------------

bool instance_name_is_valid(const struct instance_name *name);
int  instance_name_set(struct instance_name *ret, const char *text, struct error *err) MUST_USE;
// Every field in range, every unused byte zero.
int instance_stack_check(const struct instance_stack *stack, struct error *err) MUST_USE;
// Text of exactly the digits of a number from 1 to NUMBER_MAX, no leading zero.
int number_name_parse(uint32_t *ret, const char *text, struct error *err) MUST_USE;
int log_request_check(const struct log_request *request, size_t n_bytes, struct error *err)
    MUST_USE;
