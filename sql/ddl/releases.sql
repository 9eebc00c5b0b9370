CREATE TABLE IF NOT EXISTS releases (
  release_id STRING NOT NULL COMMENT '<run date>-<content hash>: the same content has the same id.',
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  sequence BIGINT NOT NULL COMMENT '1, 2, 3, ... in the order of publishing; the highest is live.',
  status STRING NOT NULL COMMENT 'published, or backfilled: a past night that was run again and is live only when asked for.',
  action STRING COMMENT 'What made the row: night, publish, rollback or recall.',
  assets_release_id STRING COMMENT 'Whose rows of `assets` it holds: another release\'s after a rollback; NULL is its own.',
  previous_release_id STRING COMMENT 'What was live before.',
  content_hash STRING NOT NULL COMMENT 'Order-independent hash over asset ids and file hashes.',
  asset_count BIGINT NOT NULL COMMENT 'Assets in it.',
  product_count BIGINT NOT NULL COMMENT 'Products with at least one asset.',
  merchants ARRAY<STRUCT<merchant_id: STRING, products: BIGINT, assets: BIGINT>> NOT NULL COMMENT 'Counts per merchant.',
  table_versions ARRAY<STRUCT<table: STRING, version: BIGINT>> NOT NULL COMMENT 'Delta version of every table it pins.',
  revisions ARRAY<STRUCT<name: STRING, revision: STRING>> NOT NULL COMMENT 'Code, model and method revisions.',
  gate_report STRING NOT NULL COMMENT 'Path of the gate\'s report below STATE.',
  created_at TIMESTAMP NOT NULL COMMENT 'When it was published.',
  created_by STRING NOT NULL COMMENT 'The stage or command.',
  comment STRING NOT NULL COMMENT 'Why, in words.'
)
USING DELTA
COMMENT 'One row a release: the version of every table it pins, counts, revisions, status.'
TBLPROPERTIES ('hundredfaces.key' = 'release_id', 'delta.dataSkippingStatsColumns' = 'release_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE releases ADD CONSTRAINT status_known CHECK (status IN ('published', 'backfilled'));
ALTER TABLE releases ADD CONSTRAINT counts_not_negative CHECK (asset_count >= 0 AND product_count >= 0);
ALTER TABLE releases ADD CONSTRAINT sequence_is_positive CHECK (sequence >= 1);
