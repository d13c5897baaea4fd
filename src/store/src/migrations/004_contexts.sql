-- Coordinators of dora-rs that commands can be sent to instead of the runtimes of this home.
CREATE TABLE contexts (
  name       TEXT PRIMARY KEY,
  -- HOST:PORT
  address    TEXT NOT NULL,
  -- The file that has its token; without one it is looked for.
  token_path TEXT,
  created    INTEGER NOT NULL,
  -- 1 for the one that new shells begin with; none when that is this home.
  chosen     INTEGER UNIQUE CHECK (chosen = 1)
) STRICT;
