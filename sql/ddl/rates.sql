CREATE TABLE IF NOT EXISTS rates (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  stage STRING NOT NULL COMMENT 'The stage.',
  unit STRING NOT NULL COMMENT 'Of drawing: picture, its backend and canvas in pixels; else what the stage puts out.',
  units BIGINT NOT NULL COMMENT 'So many were made.',
  core_s DOUBLE NOT NULL COMMENT 'Core-seconds a unit; without own measurements the cores\' whole time.',
  gpu_s DOUBLE NOT NULL COMMENT 'GPU-seconds a unit.',
  bytes DOUBLE NOT NULL COMMENT 'Bytes stored a unit.',
  attempts DOUBLE NOT NULL COMMENT 'Units made for each one wanted: above 1, retries.',
  wall_s DOUBLE NOT NULL COMMENT 'Wall-clock seconds of the stage.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'What one unit of a stage\'s work took in a finished night, or (1970-01-01) in a benchmark; for estimates.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,stage,unit', 'delta.dataSkippingStatsColumns' = 'stage,unit', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE rates ADD CONSTRAINT units_are_positive CHECK (units > 0);
