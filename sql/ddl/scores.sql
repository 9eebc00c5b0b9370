CREATE TABLE IF NOT EXISTS scores (
  asset_id STRING NOT NULL COMMENT 'SHA-256 (hex) over everything that influences the asset\'s pixels; never dates or scores.',
  scorer_revision STRING NOT NULL COMMENT 'Revision of the measurements and of the thresholds.',
  run_date DATE NOT NULL COMMENT 'The night that scored it.',
  measurements ARRAY<STRUCT<name: STRING, value: DOUBLE>> NOT NULL COMMENT 'Name and value of each measurement.',
  verdict STRING NOT NULL COMMENT 'accepted or rejected.',
  reasons ARRAY<STRING> NOT NULL COMMENT 'Reason codes of a rejection.',
  score_s DOUBLE NOT NULL COMMENT 'Core-seconds for measuring.',
  scored_at TIMESTAMP NOT NULL COMMENT 'When it was scored.'
)
USING DELTA
COMMENT 'One candidate\'s measurements, then verdict and reasons from thresholds.'
TBLPROPERTIES ('hundredfaces.key' = 'asset_id,scorer_revision', 'delta.dataSkippingStatsColumns' = 'asset_id,scorer_revision', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE scores ADD CONSTRAINT verdict_known CHECK (verdict IN ('accepted', 'rejected'));
