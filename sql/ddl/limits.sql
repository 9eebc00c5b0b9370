CREATE TABLE IF NOT EXISTS limits (
  scorer_revision STRING NOT NULL COMMENT 'Revision of the measurements and of the thresholds, as in scores.',
  look STRING NOT NULL COMMENT 'text, plain or white, as in work_units.',
  measurement STRING NOT NULL COMMENT 'Name of the measurement.',
  side STRING NOT NULL COMMENT 'min: good pictures have at least the value; max: at most.',
  value DOUBLE NOT NULL COMMENT 'The limit.',
  reason STRING NOT NULL COMMENT 'Reason code of what lies beyond it.'
)
USING DELTA
COMMENT 'The limit that one measurement is held against, for pictures of one look by one scorer.'
TBLPROPERTIES ('hundredfaces.key' = 'scorer_revision,look,measurement,side', 'delta.dataSkippingStatsColumns' = 'scorer_revision,look,measurement,side', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE limits ADD CONSTRAINT side_known CHECK (side IN ('min', 'max'));
