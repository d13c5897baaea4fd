-- How a dataflow was started and what was set on it since, in the runtime's own JSON: what it takes to start it again.
ALTER TABLE dataflows ADD COLUMN options TEXT;
