-- Moments are nanoseconds since the epoch, durations nanoseconds, uuids text.

CREATE TABLE runtimes (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL CHECK (kind IN ('embedded', 'daemon')),
  pid         INTEGER NOT NULL,
  pid_started INTEGER NOT NULL,
  address     TEXT,
  token_path  TEXT,
  version     TEXT NOT NULL,
  started     INTEGER NOT NULL,
  ended       INTEGER
) STRICT;

CREATE TABLE dataflows (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL,
  runtime         TEXT NOT NULL REFERENCES runtimes (id),
  status          TEXT NOT NULL,
  descriptor_path TEXT,
  descriptor      TEXT NOT NULL,
  descriptor_hash TEXT NOT NULL,
  working_dir     TEXT NOT NULL,
  nodes           INTEGER NOT NULL,
  created         INTEGER NOT NULL,
  started         INTEGER,
  ended           INTEGER,
  restarts        INTEGER NOT NULL DEFAULT 0,
  cause           TEXT,
  culprit         TEXT,
  -- What the runtime told of nodes and edges when it ended, in the runtime's own JSON.
  snapshot        TEXT
) STRICT;
-- A name belongs to one dataflow until that one ends.
CREATE UNIQUE INDEX dataflow_live_names ON dataflows (name) WHERE ended IS NULL;
CREATE INDEX dataflow_runtimes ON dataflows (runtime) WHERE ended IS NULL;

-- One row per process, so that a node restarted five times has six.
CREATE TABLE node_processes (
  id          INTEGER PRIMARY KEY,
  dataflow    TEXT NOT NULL REFERENCES dataflows (id) ON DELETE CASCADE,
  node        TEXT NOT NULL,
  pid         INTEGER NOT NULL,
  pid_started INTEGER NOT NULL,
  pgid        INTEGER NOT NULL,
  started     INTEGER NOT NULL,
  ended       INTEGER,
  exit_code   INTEGER,
  signal      INTEGER
) STRICT;
CREATE INDEX node_process_dataflows ON node_processes (dataflow);
CREATE INDEX node_process_live ON node_processes (id) WHERE ended IS NULL;

-- No reference to dataflows: what happened stays told after a dataflow is removed.
CREATE TABLE events (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  time          INTEGER NOT NULL,
  dataflow      TEXT NOT NULL,
  dataflow_name TEXT NOT NULL,
  -- Grows by one with every event of the dataflow.
  sequence      INTEGER NOT NULL,
  node          TEXT,
  kind          TEXT NOT NULL CHECK (kind IN ('transition', 'notice', 'removed')),
  was           TEXT,
  became        TEXT,
  level         TEXT,
  count         INTEGER,
  why           TEXT NOT NULL
) STRICT;
CREATE INDEX event_dataflows ON events (dataflow, id);
CREATE INDEX event_times ON events (time);

-- AUTOINCREMENT: an id is never given twice, so that a reader can ask for what came after the last it saw.
CREATE TABLE history (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  line        TEXT NOT NULL,
  started     INTEGER,
  duration    INTEGER,
  exit_status INTEGER,
  cwd         TEXT,
  session     INTEGER,
  host        TEXT,
  result_type TEXT,
  result_rows INTEGER
) STRICT;
CREATE INDEX history_lines ON history (line);
CREATE INDEX history_started ON history (started);

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  time    INTEGER NOT NULL,
  who     TEXT NOT NULL,
  context TEXT NOT NULL,
  command TEXT NOT NULL,
  result  TEXT NOT NULL,
  undo    TEXT
) STRICT;
CREATE INDEX audit_times ON audit (time);
