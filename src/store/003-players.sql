-- Who plays, as far as the game tells everybody who asks.

-- What a server has said last, beside what it does. No row: it is not known.
CREATE TABLE live_players (
    server          INTEGER PRIMARY KEY REFERENCES servers ON DELETE CASCADE,
    n_humans        INTEGER NOT NULL,
    n_bots          INTEGER NOT NULL,
    n_max           INTEGER NOT NULL,
    map             TEXT    NOT NULL,
    has_names       INTEGER NOT NULL CHECK (has_names IN (0, 1))   -- those of the open sessions
) STRICT;

-- The game tells names and no Steam ids.
CREATE TABLE new_sessions (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    server          INTEGER NOT NULL REFERENCES servers ON DELETE CASCADE,
    player          INTEGER,                             -- a Steam id; NULL: a name is all there is
    name            TEXT    NOT NULL,
    score           INTEGER NOT NULL DEFAULT 0,          -- the last one that was seen
    joined_unix_s   INTEGER NOT NULL,
    left_unix_s     INTEGER                              -- NULL: not yet
) STRICT;
INSERT INTO new_sessions (id, server, player, name, joined_unix_s, left_unix_s)
    SELECT id, server, player, name, joined_unix_s, left_unix_s FROM player_sessions;
DELETE FROM sqlite_sequence WHERE name = 'new_sessions';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_sessions', seq FROM sqlite_sequence WHERE name = 'player_sessions';
DROP TABLE player_sessions;
ALTER TABLE new_sessions RENAME TO player_sessions;
CREATE INDEX player_sessions_by_server ON player_sessions (server);
CREATE INDEX player_sessions_by_player ON player_sessions (player) WHERE player IS NOT NULL;
CREATE INDEX player_sessions_by_time ON player_sessions (left_unix_s);
CREATE INDEX player_sessions_open ON player_sessions (server) WHERE left_unix_s IS NULL;

-- One topic more, whose object is the server.
DROP TRIGGER jobs_leave;
CREATE TABLE new_changes (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    topic           TEXT    NOT NULL
                    CHECK (topic IN ('server', 'players', 'blueprint', 'overlay', 'job', 'user',
                                     'machine')),
    object          INTEGER NOT NULL,                    -- 0: there is one machine
    is_deleted      INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    UNIQUE (topic, object)
) STRICT;
INSERT INTO new_changes SELECT number, topic, object, is_deleted FROM changes;
DELETE FROM sqlite_sequence WHERE name = 'new_changes';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_changes', seq FROM sqlite_sequence WHERE name = 'changes';
DROP TABLE changes;
ALTER TABLE new_changes RENAME TO changes;
CREATE TRIGGER jobs_leave AFTER DELETE ON jobs
BEGIN
    DELETE FROM changes WHERE topic = 'job' AND object = old.id;
END;
-- That it is gone is said of the server.
CREATE TRIGGER servers_leave AFTER DELETE ON servers
BEGIN
    DELETE FROM changes WHERE topic = 'players' AND object = old.id;
END;
