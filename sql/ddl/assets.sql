CREATE TABLE IF NOT EXISTS assets (
  release_id STRING NOT NULL COMMENT 'The release that holds it.',
  asset_id STRING NOT NULL COMMENT 'SHA-256 (hex) over everything that influences the asset\'s pixels; never dates or scores.',
  run_date DATE NOT NULL COMMENT 'The night of the release.',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  locale STRING NOT NULL COMMENT 'Language of the copy, BCP 47.',
  placement STRING NOT NULL COMMENT 'Where the picture is shown; its canvas comes from the configuration.',
  persona_rank INT NOT NULL COMMENT 'Rank of the segment for the product.',
  variant INT NOT NULL COMMENT '0 for the first attempt; each retry after a rejection adds one.',
  uri STRING NOT NULL COMMENT 'Object key of the picture.',
  sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the picture\'s bytes.',
  bytes BIGINT NOT NULL COMMENT 'Size of the file.',
  width_px INT NOT NULL COMMENT 'Width.',
  height_px INT NOT NULL COMMENT 'Height.',
  headline STRING NOT NULL COMMENT 'Headline on the picture.',
  alt_text STRING NOT NULL COMMENT 'Text alternative.',
  product_hash STRING NOT NULL COMMENT 'Product record it was made from.',
  image_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the source image\'s bytes.',
  cutout_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the cut-out\'s file.',
  instruction_hash STRING NOT NULL COMMENT 'SHA-256 (hex) over the parts of the instruction that reach the file.',
  scene_backend STRING NOT NULL COMMENT 'What draws the scene: components or a diffusion pipeline.',
  scene_revision STRING NOT NULL COMMENT 'Pinned revision of the scene backend (code or weights).',
  scorer_revision STRING NOT NULL COMMENT 'What admitted it.',
  changed_core_px BIGINT NOT NULL COMMENT 'Fidelity certificate: opaque product pixels changed before encoding.',
  fidelity_mean_abs DOUBLE NOT NULL COMMENT 'Fidelity certificate: mean absolute difference after encoding, 0 to 255.'
)
USING DELTA
PARTITIONED BY (release_id)
COMMENT 'One asset of a release with its lineage and its fidelity certificate.'
TBLPROPERTIES ('hundredfaces.key' = 'release_id,asset_id', 'delta.dataSkippingStatsColumns' = 'asset_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE assets ADD CONSTRAINT sha256_is_hex CHECK (length(sha256) = 64);
ALTER TABLE assets ADD CONSTRAINT product_untouched CHECK (changed_core_px = 0);
ALTER TABLE assets ADD CONSTRAINT fidelity_after_encoding CHECK (fidelity_mean_abs BETWEEN 0 AND 12);
ALTER TABLE assets ADD CONSTRAINT alt_text_given CHECK (length(alt_text) > 0);
ALTER TABLE assets ADD CONSTRAINT persona_rank_is_positive CHECK (persona_rank >= 1);
