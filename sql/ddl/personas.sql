CREATE TABLE IF NOT EXISTS personas (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  rank INT NOT NULL COMMENT '1 is the most likely group.',
  score DOUBLE NOT NULL COMMENT 'Estimated log-lift: exp(score) is how much likelier than average; the sum of its parts.',
  affinity_score DOUBLE NOT NULL COMMENT 'Part from behaviour: lifts of the product\'s category, tags and brand.',
  text_score DOUBLE NOT NULL COMMENT 'Part from text: likeness to what the segment says, and to the names of what it engages with.',
  price_score DOUBLE COMMENT 'Part from price: lift of the product\'s price, smoothed over price bands; NULL before 2026-11-21.',
  season_score DOUBLE COMMENT 'Part from season: lift of the season that the product names, 0 for none; NULL before 2026-11-21.',
  model_score DOUBLE COMMENT 'Part from a vision-language model\'s opinion, by the weight that its record gives it; NULL where none was asked.',
  evidence ARRAY<STRING> NOT NULL COMMENT 'Why, in words that an analyst can check.',
  refused_attempts ARRAY<STRING> COMMENT 'What the model\'s answers about the product were refused for, an item an attempt; two leave its part at 0; NULL where none was asked.',
  method_revision STRING NOT NULL COMMENT 'Revision of the scoring.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'One product x segment among the product\'s top K.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,merchant_id,sku,segment_id', 'delta.dataSkippingStatsColumns' = 'merchant_id,sku,segment_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE personas ADD CONSTRAINT rank_is_positive CHECK (rank >= 1);
ALTER TABLE personas ADD CONSTRAINT score_is_finite CHECK (score > -1000 AND score < 1000);
