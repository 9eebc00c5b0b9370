CREATE TABLE IF NOT EXISTS segment_affinity (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  dimension STRING NOT NULL COMMENT 'category, brand, price_band, tag, product, hour_band or season.',
  value STRING NOT NULL COMMENT 'The category (with its parents), brand, price band, tag, product (merchant/sku), hour band or season.',
  lift DOUBLE NOT NULL COMMENT 'Share of the segment\'s engagement over the population\'s share, shrunk towards 1.',
  support DOUBLE NOT NULL COMMENT 'Weighted engagements of the segment with the value.',
  events BIGINT COMMENT 'Engagements counted, unweighted: order lines, clicks or declarations.',
  users BIGINT COMMENT 'Distinct users of the segment who engaged: 0, or 3 and more, so that nobody can be told from a row.',
  basis STRING NOT NULL COMMENT 'events (weighted behaviour) or declared (interests that users state).',
  window_days INT NOT NULL COMMENT 'Days of behaviour counted; 0 when declared.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'How much more than average a segment engages with a category, brand, price band, tag or product, at a time of day or in a season.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,segment_id,dimension,value', 'delta.dataSkippingStatsColumns' = 'segment_id,dimension,value', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE segment_affinity ADD CONSTRAINT lift_is_positive CHECK (lift > 0);
ALTER TABLE segment_affinity ADD CONSTRAINT support_not_negative CHECK (support >= 0);
ALTER TABLE segment_affinity ADD CONSTRAINT dimension_known CHECK (dimension IN ('category', 'brand', 'price_band', 'tag', 'product', 'hour_band', 'season'));
ALTER TABLE segment_affinity ADD CONSTRAINT basis_known CHECK (basis IN ('events', 'declared'));
ALTER TABLE segment_affinity ADD CONSTRAINT users_not_few CHECK (users IS NULL OR users = 0 OR users >= 3);
