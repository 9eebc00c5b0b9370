CREATE TABLE IF NOT EXISTS segments (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  source STRING NOT NULL COMMENT 'The segment source of the configuration that it comes from.',
  name STRING NOT NULL COMMENT 'Short name for people.',
  description STRING NOT NULL COMMENT 'Who they are and what they look for, in one or two sentences.',
  need STRING COMMENT 'What they want from a product, in a few words.',
  interests ARRAY<STRING> NOT NULL COMMENT 'Categories and topics, strongest first.',
  contexts ARRAY<STRING> NOT NULL COMMENT 'Situations in which they use products.',
  size BIGINT NOT NULL COMMENT 'Distinct users; segments below the configured minimum are set aside.',
  population_share DOUBLE NOT NULL COMMENT 'Size over all users of the source, 0 to 1.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'One user segment as of this night: traits, interests, size; never a person.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,segment_id', 'delta.dataSkippingStatsColumns' = 'segment_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE segments ADD CONSTRAINT size_is_positive CHECK (size > 0);
ALTER TABLE segments ADD CONSTRAINT share_in_range CHECK (population_share > 0 AND population_share <= 1);
