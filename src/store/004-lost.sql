-- Who does not see a thing any more is told so: he alone, as a change of his own in the same order.
DROP TRIGGER jobs_leave;
DROP TRIGGER servers_leave;
CREATE TABLE new_changes (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    topic           TEXT    NOT NULL
                    CHECK (topic IN ('server', 'players', 'blueprint', 'overlay', 'job', 'user',
                                     'machine')),
    object          INTEGER NOT NULL,                    -- 0: there is one machine
    is_deleted      INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    lost_by         INTEGER NOT NULL DEFAULT 0,          -- a user; 0: it is a change of the thing
    UNIQUE (topic, object, lost_by)
) STRICT;
INSERT INTO new_changes (number, topic, object, is_deleted)
    SELECT number, topic, object, is_deleted FROM changes;
DELETE FROM sqlite_sequence WHERE name = 'new_changes';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_changes', seq FROM sqlite_sequence WHERE name = 'changes';
DROP TABLE changes;
ALTER TABLE new_changes RENAME TO changes;
CREATE TRIGGER jobs_leave AFTER DELETE ON jobs
BEGIN
    DELETE FROM changes WHERE topic = 'job' AND object = old.id;
END;
-- That it is gone is said of the server, to all.
CREATE TRIGGER servers_leave AFTER DELETE ON servers
BEGIN
    DELETE FROM changes WHERE topic = 'players' AND object = old.id;
    DELETE FROM changes WHERE topic = 'server' AND object = old.id AND lost_by != 0;
END;
CREATE TRIGGER blueprints_leave AFTER DELETE ON blueprints
BEGIN
    DELETE FROM changes WHERE topic = 'blueprint' AND object = old.id AND lost_by != 0;
END;
CREATE TRIGGER overlays_leave AFTER DELETE ON overlays
BEGIN
    DELETE FROM changes WHERE topic = 'overlay' AND object = old.id AND lost_by != 0;
END;
CREATE TRIGGER users_leave AFTER DELETE ON users
BEGIN
    DELETE FROM changes WHERE lost_by = old.id;
END;
