-- How a dataflow was started and what was set on it since, in the runtime's own JSON: what it takes to start it again.
ALTER TABLE dataflows ADD COLUMN options TEXT;
-- The status of a dataflow whose daemon was killed, while it is to be started again by the next one.
ALTER TABLE dataflows ADD COLUMN interrupted TEXT;
