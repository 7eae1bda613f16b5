-- What the page needs that the first schema did not have, and what is the host's to know.

-- Of each thing its newest change alone: who shows it asks for all after the last one he has seen.
CREATE TABLE changes (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    topic           TEXT    NOT NULL
                    CHECK (topic IN ('server', 'blueprint', 'overlay', 'job', 'user', 'machine')),
    object          INTEGER NOT NULL,                    -- 0: there is one machine
    is_deleted      INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    UNIQUE (topic, object)
) STRICT;

-- A job that is dropped for its age is nobody's news.
CREATE TRIGGER jobs_leave AFTER DELETE ON jobs
BEGIN
    DELETE FROM changes WHERE topic = 'job' AND object = old.id;
END;

-- The host has the text of an overlay and how often it is built; here is whose it is.
ALTER TABLE overlays DROP COLUMN text;
ALTER TABLE overlays DROP COLUMN is_daily;
ALTER TABLE overlays DROP COLUMN revision;
ALTER TABLE overlays ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0 CHECK (is_shared IN (0, 1));
ALTER TABLE blueprints ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0 CHECK (is_shared IN (0, 1));

ALTER TABLE live_states ADD COLUMN status TEXT;      -- JSON; NULL: not known yet

-- A second factor that counts when its first code was right.
ALTER TABLE users ADD COLUMN totp_begun_sealed BLOB;

-- By which old ones are found.
CREATE INDEX player_sessions_by_time ON player_sessions (joined_unix_s);
CREATE INDEX command_history_by_time ON command_history (time_unix_s);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_unix_s);

-- The game is there from the first day.
INSERT OR IGNORE INTO overlays (id, name, type, created_unix_s, changed_unix_s)
    VALUES (1, 'game', 'game', unixepoch(), unixepoch());
