-- The journal, version 4. docs/journal.md is its specification; change both together.
-- Insert-only: what happened is never changed, what happens next is a new row.

CREATE TABLE chain (
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL REFERENCES chain,
    item ANY NOT NULL,
    UNIQUE (parent, item),
    CHECK (parent < id OR id = 0)
) STRICT;

INSERT INTO chain VALUES (0, 0, '');

CREATE TABLE view (
    id INTEGER PRIMARY KEY,
    layers INTEGER NOT NULL REFERENCES chain,
    conversation INTEGER NOT NULL,
    applied INTEGER NOT NULL REFERENCES chain,
    UNIQUE (layers, conversation, applied)
) STRICT;

CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    title TEXT,
    parent TEXT REFERENCES session (id),
    parent_operation INTEGER,
    start INTEGER NOT NULL REFERENCES view,
    CHECK ((parent IS NULL) = (parent_operation IS NULL))
) STRICT;

CREATE TABLE current (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id),
    at REAL NOT NULL
) STRICT;

CREATE TABLE operation (
    session TEXT NOT NULL REFERENCES session (id),
    id INTEGER NOT NULL CHECK (id > 0),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    started REAL NOT NULL,
    before INTEGER NOT NULL REFERENCES view,
    action TEXT,
    target TEXT,
    decision TEXT,
    PRIMARY KEY (session, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome (
    session TEXT NOT NULL,
    operation INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('settled', 'rolled_back', 'denied', 'failed')),
    ended REAL NOT NULL,
    after INTEGER NOT NULL REFERENCES view,
    observation TEXT,
    judgement TEXT,
    note TEXT,
    PRIMARY KEY (session, operation),
    FOREIGN KEY (session, operation) REFERENCES operation (session, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE effect (
    session TEXT NOT NULL,
    operation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    path BLOB,
    change TEXT NOT NULL,
    reversibility TEXT NOT NULL,
    detail TEXT NOT NULL,
    CHECK (path IS NOT NULL OR kind != 'file'),
    PRIMARY KEY (session, operation, position),
    FOREIGN KEY (session, operation) REFERENCES outcome (session, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE output (
    session TEXT NOT NULL,
    operation INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session, operation),
    FOREIGN KEY (session, operation) REFERENCES outcome (session, operation)
) STRICT;

CREATE TABLE review (
    session TEXT NOT NULL,
    operation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    review TEXT NOT NULL CHECK (review IN ('pending', 'accepted', 'rejected')),
    by TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (session, operation, position),
    FOREIGN KEY (session, operation) REFERENCES operation (session, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id),
    parent INTEGER REFERENCES message,
    role TEXT NOT NULL,
    body TEXT NOT NULL,
    operation INTEGER,
    ended INTEGER NOT NULL,
    at REAL NOT NULL,
    CHECK (parent < id),
    FOREIGN KEY (session, operation) REFERENCES operation (session, id)
) STRICT;

CREATE INDEX message_session ON message (session);

CREATE TRIGGER chain_no_update BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER chain_no_delete BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER view_no_update BEFORE UPDATE ON view BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER view_no_delete BEFORE DELETE ON view BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER session_no_update BEFORE UPDATE ON session BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER session_no_delete BEFORE DELETE ON session BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER current_no_update BEFORE UPDATE ON current BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER current_no_delete BEFORE DELETE ON current BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER operation_no_update BEFORE UPDATE ON operation BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER operation_no_delete BEFORE DELETE ON operation BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER outcome_no_update BEFORE UPDATE ON outcome BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER outcome_no_delete BEFORE DELETE ON outcome BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER effect_no_update BEFORE UPDATE ON effect BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER effect_no_delete BEFORE DELETE ON effect BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER output_no_update BEFORE UPDATE ON output BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER output_no_delete BEFORE DELETE ON output BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER review_no_update BEFORE UPDATE ON review BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER review_no_delete BEFORE DELETE ON review BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER message_no_update BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER message_no_delete BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;

-- Version 2: what was removed from the store, so that it is known and not missed.

CREATE TABLE removal (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('layer', 'output', 'aside', 'path')),
    name ANY NOT NULL,
    at REAL NOT NULL,
    because TEXT NOT NULL
) STRICT;

CREATE TRIGGER removal_no_update BEFORE UPDATE ON removal BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER removal_no_delete BEFORE DELETE ON removal BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;

-- Version 3: in which sandbox a session goes on.

CREATE TABLE sandbox (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id),
    chosen TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE INDEX sandbox_session ON sandbox (session);

CREATE TRIGGER sandbox_no_update BEFORE UPDATE ON sandbox BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER sandbox_no_delete BEFORE DELETE ON sandbox BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;

-- Version 4: which databases a session has.

CREATE TABLE resources (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id),
    chosen TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE INDEX resources_session ON resources (session);

CREATE TRIGGER resources_no_update BEFORE UPDATE ON resources BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
CREATE TRIGGER resources_no_delete BEFORE DELETE ON resources BEGIN SELECT RAISE(ABORT, 'the journal is insert-only'); END;
