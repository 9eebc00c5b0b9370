CREATE TABLE IF NOT EXISTS recalls (
  recall_id STRING NOT NULL COMMENT 'recall-<moment>-<kind>.',
  kind STRING NOT NULL COMMENT 'image, model, segment, sku or asset.',
  value STRING NOT NULL COMMENT 'image_sha256, scene_revision, segment_id, merchant_id/sku or asset_id.',
  release_id STRING COMMENT 'The first release without it; NULL when none that was live held it.',
  assets BIGINT NOT NULL COMMENT 'Assets that left the live release with it.',
  created_at TIMESTAMP NOT NULL COMMENT 'When.',
  created_by STRING NOT NULL COMMENT 'Who.',
  comment STRING NOT NULL COMMENT 'Why, in words.'
)
USING DELTA
COMMENT 'One recall: what must not be shown, nor made again, from its release on.'
TBLPROPERTIES ('hundredfaces.key' = 'recall_id', 'delta.dataSkippingStatsColumns' = 'recall_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE recalls ADD CONSTRAINT kind_known CHECK (kind IN ('image', 'model', 'segment', 'sku', 'asset'));
