CREATE TABLE IF NOT EXISTS rejects (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  stage STRING NOT NULL COMMENT 'The stage that set it aside.',
  shard INT NOT NULL COMMENT 'The part of the products that wrote it; 0 for a stage that runs in one part.',
  key STRING NOT NULL COMMENT 'What it was: feed and line, merchant/sku, segment, asset id.',
  reason STRING NOT NULL COMMENT 'Reason code.',
  merchant_id STRING COMMENT 'Whose it is; NULL for segments.',
  sku STRING COMMENT 'The product, where known.',
  detail STRING NOT NULL COMMENT 'What was wrong, where, and what to do.',
  record STRING COMMENT 'The raw record, cut to 2,000 characters; personal fields never enter it.',
  severity STRING COMMENT 'Of the ingest stage: row (the row is left out), note (the product is kept), feed (the merchant\'s whole feed is set aside). NULL elsewhere: what `key` names is left out.',
  attempts INT COMMENT 'Of a unit that failed: how often it was tried since its last success or `jobs.retry_rejects`.'
)
USING DELTA
PARTITIONED BY (run_date, stage, shard)
COMMENT 'One input row, image, segment, unit or candidate that was set aside, and why.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,stage,key,reason', 'delta.dataSkippingStatsColumns' = 'key,reason', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE rejects ADD CONSTRAINT reason_given CHECK (length(reason) > 0);
ALTER TABLE rejects ADD CONSTRAINT record_is_cut CHECK (record IS NULL OR length(record) <= 2000);
ALTER TABLE rejects ADD CONSTRAINT severity_known CHECK (severity IS NULL OR severity IN ('row', 'note', 'feed'));
