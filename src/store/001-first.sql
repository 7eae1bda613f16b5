-- The first schema. A migration is never changed once it has been released: the next one goes on.
--
-- Times are seconds since the epoch (_unix_s) or microseconds (_us). Ids of people's things are never
-- given twice (AUTOINCREMENT), so that a log or an address never means something else later; those of
-- overlays come from the host. Texts are UTF-8; what bounds them stands in the headers of src/store,
-- and the checks here are what no mistake of a program may get past. JSON is checked by nobody here: its
-- functions are not among those that a schema can be trusted with.

-- ---- people -----------------------------------------------------------------------------------

CREATE TABLE users (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL COLLATE NOCASE UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    role            TEXT    NOT NULL CHECK (role IN ('user', 'admin')),
    is_active       INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    password_hash   TEXT,                                -- NULL: never set, nobody can log in
    totp_sealed     BLOB,                                -- NULL: no second factor
    totp_last_step  INTEGER NOT NULL DEFAULT 0,          -- a code counts once
    created_unix_s  INTEGER NOT NULL,
    login_unix_s    INTEGER                              -- the last one
) STRICT;

CREATE TABLE recovery_codes (
    user            INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    hash            BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (user, hash)
) STRICT, WITHOUT ROWID;

-- One-time links: of the first admin, of who is invited, of who has lost a password.
CREATE TABLE invitations (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    hash            BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    name            TEXT,                                -- NULL: who comes chooses it
    role            TEXT    NOT NULL CHECK (role IN ('user', 'admin')),
    user            INTEGER REFERENCES users ON DELETE CASCADE,    -- whose password it sets; NULL: a new one's
    made_by         INTEGER REFERENCES users ON DELETE CASCADE,    -- NULL: a command
    created_unix_s  INTEGER NOT NULL,
    expires_unix_s  INTEGER NOT NULL
) STRICT;

CREATE INDEX invitations_by_user ON invitations (user);
CREATE INDEX invitations_by_maker ON invitations (made_by);

CREATE TABLE sessions (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    hash            BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    user            INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    address         TEXT    NOT NULL,
    agent           TEXT    NOT NULL,
    created_unix_s  INTEGER NOT NULL,
    seen_unix_s     INTEGER NOT NULL,
    expires_unix_s  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user);
CREATE INDEX sessions_by_end ON sessions (expires_unix_s);

CREATE TABLE api_tokens (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    hash            BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    user            INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    scope           TEXT    NOT NULL CHECK (scope IN ('read', 'operate', 'manage', 'admin')),
    created_unix_s  INTEGER NOT NULL,
    expires_unix_s  INTEGER,
    used_unix_s     INTEGER,
    UNIQUE (user, name)
) STRICT;

-- ---- what they have ---------------------------------------------------------------------------

CREATE TABLE overlays (
    id              INTEGER PRIMARY KEY,                 -- the host's number
    name            TEXT    NOT NULL COLLATE NOCASE UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    type            TEXT    NOT NULL CHECK (type IN ('game', 'workshop', 'script', 'files')),
    owner           INTEGER REFERENCES users,            -- NULL: the machine's own
    is_daily        INTEGER NOT NULL DEFAULT 0 CHECK (is_daily IN (0, 1)),
    text            TEXT    NOT NULL DEFAULT '',         -- a script, or a list of items
    revision        INTEGER NOT NULL DEFAULT 1,
    created_unix_s  INTEGER NOT NULL,
    changed_unix_s  INTEGER NOT NULL
) STRICT;
CREATE INDEX overlays_by_owner ON overlays (owner);

CREATE TABLE workshop_items (
    id              INTEGER PRIMARY KEY,                 -- Steam's, 64 bits
    title           TEXT    NOT NULL,
    preview_url     TEXT    NOT NULL DEFAULT '',
    n_bytes         INTEGER NOT NULL,
    updated_unix_s  INTEGER NOT NULL,
    details         TEXT    NOT NULL DEFAULT '{}', -- tags, what is inside
    error           TEXT,                                -- why it is not there
    seen_unix_s     INTEGER NOT NULL
) STRICT;

CREATE TABLE overlay_items (
    overlay         INTEGER NOT NULL REFERENCES overlays ON DELETE CASCADE,
    item            INTEGER NOT NULL REFERENCES workshop_items ON DELETE CASCADE,
    collection      INTEGER,                             -- by which it came; NULL: it was named
    PRIMARY KEY (overlay, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX overlay_items_by_item ON overlay_items (item);

CREATE TABLE blueprints (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),
    owner           INTEGER NOT NULL REFERENCES users,
    arguments       TEXT    NOT NULL DEFAULT '[]',
    config          TEXT    NOT NULL DEFAULT '',
    memory_bytes    INTEGER,                             -- NULL: that of the unit
    cpu_percent     INTEGER,
    tasks           INTEGER,
    revision        INTEGER NOT NULL DEFAULT 1,
    created_unix_s  INTEGER NOT NULL,
    changed_unix_s  INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;

CREATE TABLE blueprint_overlays (
    blueprint         INTEGER NOT NULL REFERENCES blueprints ON DELETE CASCADE,
    position          INTEGER NOT NULL CHECK (position >= 0),    -- 0 is the top
    overlay           INTEGER NOT NULL REFERENCES overlays,
    expose_server_cfg INTEGER NOT NULL DEFAULT 0 CHECK (expose_server_cfg IN (0, 1)),
    PRIMARY KEY (blueprint, position),
    UNIQUE (blueprint, overlay)
) STRICT, WITHOUT ROWID;
CREATE INDEX blueprint_overlays_by_overlay ON blueprint_overlays (overlay);

CREATE TABLE servers (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    instance        TEXT    NOT NULL UNIQUE,             -- 's' and the id, or an adopted one's name
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    owner           INTEGER NOT NULL REFERENCES users,
    blueprint       INTEGER NOT NULL REFERENCES blueprints,
    overlay         INTEGER UNIQUE REFERENCES overlays,  -- its own files, above those of the blueprint
    hostname        TEXT    NOT NULL DEFAULT '',
    rcon_sealed     BLOB    NOT NULL,
    wanted          TEXT    NOT NULL DEFAULT 'stopped' CHECK (wanted IN ('running', 'stopped')),
    revision        INTEGER NOT NULL DEFAULT 1,
    created_unix_s  INTEGER NOT NULL,
    changed_unix_s  INTEGER NOT NULL
) STRICT;
CREATE INDEX servers_by_owner ON servers (owner);
CREATE INDEX servers_by_blueprint ON servers (blueprint);

-- A port is one server's alone, whatever he has it for.
CREATE TABLE server_ports (
    port            INTEGER PRIMARY KEY CHECK (port BETWEEN 1024 AND 65535),
    server          INTEGER NOT NULL REFERENCES servers ON DELETE CASCADE,
    kind            TEXT    NOT NULL CHECK (kind IN ('game', 'client', 'tv')),
    UNIQUE (server, kind)
) STRICT;

CREATE TABLE server_grants (
    server          INTEGER NOT NULL REFERENCES servers ON DELETE CASCADE,
    user            INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    may             INTEGER NOT NULL CHECK (may BETWEEN 1 AND 31),    -- bits: src/store/grants.h
    PRIMARY KEY (server, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX server_grants_by_user ON server_grants (user);

-- ---- work -------------------------------------------------------------------------------------

-- A job outlives who asked for it and what it was about, so those are not references.
CREATE TABLE jobs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL,
    server          INTEGER,
    overlay         INTEGER,
    asked_by        INTEGER,                             -- a user; NULL: a timer, or root
    asked_by_name   TEXT    NOT NULL,
    parameters      TEXT    NOT NULL DEFAULT '{}',
    state           TEXT    NOT NULL DEFAULT 'queued'
                    CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    progress        INTEGER CHECK (progress BETWEEN 0 AND 100),
    is_cancelled    INTEGER NOT NULL DEFAULT 0 CHECK (is_cancelled IN (0, 1)), -- somebody asked for it
    attempt         INTEGER NOT NULL DEFAULT 0,
    lease_by        TEXT,                                -- the worker that has it
    lease_until_s   INTEGER,
    error_kind      TEXT,
    error_message   TEXT,
    result          TEXT    NOT NULL DEFAULT '{}',
    created_us      INTEGER NOT NULL,
    started_us      INTEGER,
    ended_us        INTEGER,
    CHECK ((state = 'running') = (lease_by IS NOT NULL)),
    CHECK ((ended_us IS NOT NULL) = (state IN ('done', 'failed', 'cancelled')))
) STRICT;
CREATE INDEX jobs_open ON jobs (state) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_server ON jobs (server, id);
CREATE INDEX jobs_by_overlay ON jobs (overlay, id);
CREATE INDEX jobs_by_end ON jobs (ended_us) WHERE ended_us IS NOT NULL;

-- A job begins after those that stand here.
CREATE TABLE job_dependencies (
    job             INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    after           INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    PRIMARY KEY (job, after),
    CHECK (after < job)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_dependencies_by_after ON job_dependencies (after);

CREATE TABLE job_lines (
    job             INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    time_us         INTEGER NOT NULL,
    stream          TEXT    NOT NULL CHECK (stream IN ('output', 'error', 'note')),
    text            TEXT    NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- ---- what is known of servers and players -----------------------------------------------------

CREATE TABLE live_states (
    server          INTEGER PRIMARY KEY REFERENCES servers ON DELETE CASCADE,
    state           TEXT    NOT NULL,
    changed_us      INTEGER NOT NULL
) STRICT;

CREATE TABLE steam_profiles (
    id              INTEGER PRIMARY KEY,                 -- a Steam id, 64 bits
    name            TEXT    NOT NULL,
    avatar_url      TEXT    NOT NULL DEFAULT '',
    fetched_unix_s  INTEGER NOT NULL
) STRICT;

CREATE TABLE player_sessions (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    server          INTEGER NOT NULL REFERENCES servers ON DELETE CASCADE,
    player          INTEGER NOT NULL,                    -- a Steam id
    name            TEXT    NOT NULL,
    joined_unix_s   INTEGER NOT NULL,
    left_unix_s     INTEGER
) STRICT;
CREATE INDEX player_sessions_by_server ON player_sessions (server, joined_unix_s);
CREATE INDEX player_sessions_by_player ON player_sessions (player, joined_unix_s);

CREATE TABLE command_history (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    server          INTEGER NOT NULL REFERENCES servers ON DELETE CASCADE,
    user            INTEGER,                             -- it outlives him
    user_name       TEXT    NOT NULL,
    command         TEXT    NOT NULL,
    time_unix_s     INTEGER NOT NULL
) STRICT;
CREATE INDEX command_history_by_server ON command_history (server, id);

-- ---- the machine's own ------------------------------------------------------------------------

-- Only ever added to. Each row has a hash over itself and the one before.
CREATE TABLE audit_events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    time_us         INTEGER NOT NULL,
    user            INTEGER,                             -- NULL: root, by a command
    user_name       TEXT    NOT NULL,
    origin          TEXT    NOT NULL,                    -- an address, or "command line"
    action          TEXT    NOT NULL,
    subject         TEXT    NOT NULL,                    -- "server 12"
    before          TEXT   ,
    after           TEXT   ,
    hash            BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
-- The hash of the last one that was dropped.
CREATE TABLE audit_anchor (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    hash            BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'what was recorded does not change');
END;

CREATE TABLE settings (
    key             TEXT    PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 64),
    value           TEXT    NOT NULL,
    changed_unix_s  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A request to make something that comes twice with the same key is answered, not carried out, again.
CREATE TABLE idempotency_keys (
    user            INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    key             TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    request_hash    BLOB    NOT NULL CHECK (length(request_hash) = 32),
    status          INTEGER NOT NULL,
    answer          TEXT    NOT NULL,
    created_unix_s  INTEGER NOT NULL,
    PRIMARY KEY (user, key)
) STRICT, WITHOUT ROWID;
