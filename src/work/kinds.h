// SPDX-License-Identifier: MIT
#pragma once

// kinds: what each kind of job runs: a row with a command of l4d2ctl, and how the parameters of the
// job become its words.

#include <jansson.h>
#include "host/buffer.h"
#include "store/job.h"

#define KIND_PARAMETERS_MAX 6u
#define KIND_INPUT_MAX      (1u << 20) // bytes of a text that a job gives to its command

enum kind_subject { KIND_OF_SERVER, KIND_OF_OVERLAY, KIND_OF_NONE };

enum kind_flag {
    KIND_BUILD = 1 << 0,          // of these only a few run at a time; to be cancelled on the host
    KIND_SPEC = 1 << 1,           // the server is initialized from its rows before
    KIND_ABSENT_IS_FINE = 1 << 2, // that there is no such instance is as good as success
    KIND_OWN = 1 << 3,            // the command is about the server's own overlay
    KIND_GAME = 1 << 4,           // the command knows by itself which overlay it is about
    KIND_PATIENT = 1 << 5,        // it begins when what is done with the server's overlays is done
    KIND_LONG = 1 << 6,           // but for this, which nobody waits for
    KIND_ROLLOUT = 1 << 7,        // no command: see rollout.h
    KIND_ONCE = 1 << 8,           // done again without a generation it does something else
    KIND_TAKES = 1 << 9,          // done again it does not find what it has taken away
};

enum parameter_type {
    PARAMETER_TEXT,
    PARAMETER_NUMBER,
    PARAMETER_FLAG,  // true: the option is given
    PARAMETER_LIST,  // of texts: the option is given for each
    PARAMETER_INPUT, // what the command reads; its option says "-"
};

struct parameter {
    const char         *key;
    enum parameter_type type;
    const char         *option; // "--hold"; NULL: an argument
    bool                is_required;
    int64_t             max; // a number, or bytes, or elements of a list
};

struct kind {
    const char       *name;
    const char       *command; // its words; NULL: nothing is run but the specification
    const char       *again;   // says what it made when it was killed, and it is there by now
    enum kind_subject subject;
    unsigned          flags;
    struct parameter  parameters[KIND_PARAMETERS_MAX];
};

// A command of l4d2ctl, without the program. Starts as { 0 }.
struct command {
    struct strings words;
    struct buffer  input;
    bool           has_input;
};

const struct kind *kind_find(const char *name); // NULL: there is none
// For each kind, in the order of the table. NULL: that was the last.
const struct kind *kind_next(const struct kind *previous);

// Whether a job is of a kind, about what the kind is about, and its parameters are right.
int  kind_check(const struct job *job, struct error *err) MUST_USE;
bool kind_is(const struct job *job, enum kind_flag flag);
// Whether what may be done already can be done again.
bool kind_is_repeatable(const struct job *job);

// The command of a job. `instance` is the name of its server, or "". Checks as above.
int kind_command(struct command *ret, const struct job *job, const char *instance,
                 struct error *err) MUST_USE;
// That which makes or changes the instance, by the text of its specification.
int kind_specify(struct command *ret, const char *instance, const struct buffer *spec,
                 struct error *err) MUST_USE;
// That which ends the build of an overlay, whoever began it.
int kind_cancel(struct command *ret, const struct job *job, struct error *err) MUST_USE;
// That which says which generations an overlay has.
int kind_show(struct command *ret, const struct job *job, struct error *err) MUST_USE;
// That which says what a command had made already that was killed: `again` of the table.
int  kind_recall(struct command *ret, const struct job *job, struct error *err) MUST_USE;
void command_done(struct command *command);
