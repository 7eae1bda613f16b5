// SPDX-License-Identifier: MIT
#pragma once

// topics: what somebody listens to in the stream of events, and how far he has heard.
//
// Topics are a list: "servers,jobs,job:12,log:3,players:3". Heard is, for each of them, what was
// the last that was heard: the number of a change for all that are of things together, the number
// of a line for the log of a job, and for that of a server a time and which of the lines of that
// very microsecond it was: "c142.j12-873.l3-1732659000123456-2". It means the same to every process
// that reads the same database and the same journal.

#include <stdbool.h>
#include "base/error.h"
#include "store/change.h"

#define TOPICS_MAX      8u
#define TOPICS_TEXT_MAX 256u // bytes, the NUL included
#define HEARD_TEXT_MAX  512u

enum topic_kind {
    TOPIC_SERVERS,
    TOPIC_BLUEPRINTS,
    TOPIC_OVERLAYS,
    TOPIC_JOBS,
    TOPIC_USERS,
    TOPIC_MACHINE,
    TOPIC_JOB, // those below are of one thing
    TOPIC_LOG,
    TOPIC_PLAYERS,
    TOPIC_KINDS,
};

struct topic {
    enum topic_kind kind;
    int64_t         id; // of a job or a server; 0 of the others
};

// In order of kind and id, each once.
struct topics {
    struct topic list[TOPICS_MAX];
    unsigned     n;
};

// How far one has heard of a log. Nothing is known of it: it begins with what comes next.
struct heard_mark {
    int64_t  at;  // the number of a line, or microseconds
    uint32_t nth; // of a server: which of the same microsecond, from 1
    bool     is_known;
};

struct heard {
    int64_t           change; // -1: it is not known
    struct heard_mark marks[TOPICS_MAX];
};

int  topics_parse(struct topics *ret, const char *text, struct error *err) MUST_USE;
void topics_text(char ret[TOPICS_TEXT_MAX], const struct topics *topics);
bool topics_are(const struct topics *one, const struct topics *other);
// Whether they are of things that are no logs: then a place has the number of a change.
bool topics_have_changes(const struct topics *topics);
// Whether a change is of one of them; that of a job is of its own topic as well.
bool topics_want(const struct topics *topics, enum change_topic topic, int64_t object);

// Parts of other topics are passed over.
int heard_parse(struct heard *ret, const struct topics *topics, const char *text, struct error *err)
    MUST_USE;
void heard_text(char ret[HEARD_TEXT_MAX], const struct topics *topics, const struct heard *heard);

// Below 0: `one` is before the other.
int heard_mark_compare(const struct heard_mark *one, const struct heard_mark *other);
