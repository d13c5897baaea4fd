-- What was built, so that it is not built again: the key is made of the commands, their directory and its revision.
CREATE TABLE builds (
  key  TEXT PRIMARY KEY,
  time INTEGER NOT NULL
) STRICT;

-- The commit that a branch, a tag or the head of a repository was when it was fetched last.
CREATE TABLE revisions (
  url      TEXT NOT NULL,
  revision TEXT NOT NULL,
  hash     TEXT NOT NULL,
  time     INTEGER NOT NULL,
  PRIMARY KEY (url, revision)
) STRICT;

-- What nodes are told that somebody else starts, in the runtime's own JSON. Any runtime of the home answers them.
CREATE TABLE dynamic_nodes (
  dataflow TEXT NOT NULL REFERENCES dataflows (id) ON DELETE CASCADE,
  node     TEXT NOT NULL,
  config   TEXT NOT NULL,
  PRIMARY KEY (dataflow, node)
) STRICT;
CREATE INDEX dynamic_node_names ON dynamic_nodes (node);
