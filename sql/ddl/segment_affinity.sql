CREATE TABLE IF NOT EXISTS segment_affinity (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  dimension STRING NOT NULL COMMENT 'category, brand, price_band or tag.',
  value STRING NOT NULL COMMENT 'The category, brand, price band or tag.',
  lift DOUBLE NOT NULL COMMENT 'Share of the segment\'s engagement over the population\'s share, shrunk towards 1.',
  support DOUBLE NOT NULL COMMENT 'Weighted engagements of the segment with the value.',
  basis STRING NOT NULL COMMENT 'events (weighted behaviour) or declared (interests that users state).',
  window_days INT NOT NULL COMMENT 'Days of behaviour counted; 0 when declared.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'How much more than average a segment engages with a category, brand, price band or tag.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,segment_id,dimension,value', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE segment_affinity ADD CONSTRAINT lift_is_positive CHECK (lift > 0);
ALTER TABLE segment_affinity ADD CONSTRAINT support_not_negative CHECK (support >= 0);
ALTER TABLE segment_affinity ADD CONSTRAINT dimension_known CHECK (dimension IN ('category', 'brand', 'price_band', 'tag'));
ALTER TABLE segment_affinity ADD CONSTRAINT basis_known CHECK (basis IN ('events', 'declared'));
