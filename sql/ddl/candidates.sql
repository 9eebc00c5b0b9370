CREATE TABLE IF NOT EXISTS candidates (
  asset_id STRING NOT NULL COMMENT 'SHA-256 (hex) over everything that influences the asset\'s pixels; never dates or scores.',
  run_date DATE NOT NULL COMMENT 'The night that made it.',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  locale STRING NOT NULL COMMENT 'Language of the copy, BCP 47.',
  placement STRING NOT NULL COMMENT 'Where the picture is shown; its canvas comes from the configuration.',
  variant INT NOT NULL COMMENT '0 for the first attempt; each retry after a rejection adds one.',
  changes ARRAY<STRING> COMMENT 'What it changes of the first attempt, as the rejection\'s reason asks: layout, setting; none at first.',
  setting STRING COMMENT 'The scene\'s setting: the instruction\'s, or a calmer one on a retry that changes it; NULL on white.',
  uri STRING NOT NULL COMMENT 'Object key of the picture.',
  sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the picture\'s bytes.',
  alt_text STRING COMMENT 'Text alternative, as it is in the file.',
  bytes BIGINT NOT NULL COMMENT 'Size of the file.',
  width_px INT NOT NULL COMMENT 'Width.',
  height_px INT NOT NULL COMMENT 'Height.',
  seed BIGINT NOT NULL COMMENT 'Seed of the drawing: from the asset id\'s scene part, or what follows from it for a scene painted again.',
  identity STRING NOT NULL COMMENT 'The canonical JSON whose SHA-256 is the asset id: every setting that made it.',
  image_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the source image\'s bytes.',
  cutout_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the cut-out\'s file.',
  instruction_hash STRING NOT NULL COMMENT 'SHA-256 (hex) over the parts of the instruction that reach the file.',
  scene_backend STRING NOT NULL COMMENT 'What draws the scene: components or a diffusion pipeline.',
  scene_revision STRING NOT NULL COMMENT 'Pinned revision of the scene backend (code or weights).',
  prompt_left_out ARRAY<STRING> COMMENT 'Phrases at the end of the prompt for which a model\'s text encoder had no room; NULL where no model drew.',
  size_cm INT COMMENT 'Longest side of the product that the scene was drawn for, by its record or its kind; NULL where unknown.',
  px_per_cm DOUBLE COMMENT 'Scale of the scene where the product stands, pixels to a centimetre; NULL where nothing near tells it.',
  product_box STRUCT<left: INT, top: INT, right: INT, bottom: INT> NOT NULL COMMENT 'Where the product stands, pixels, half-open.',
  text_boxes ARRAY<STRUCT<element: STRING, left: INT, top: INT, right: INT, bottom: INT, contrast: DOUBLE, text: STRING, letters: STRUCT<left: INT, top: INT, right: INT, bottom: INT>, lines: INT>> NOT NULL COMMENT 'Each text element: place, lowest contrast ratio (WCAG), text, and the box and number of its lines.',
  overflow BOOLEAN NOT NULL COMMENT 'Whether a text did not fit at the smallest size.',
  changed_core_px BIGINT NOT NULL COMMENT 'Opaque product pixels that differ from the cut-out before encoding.',
  scene_s DOUBLE NOT NULL COMMENT 'Core-seconds for scene and composition (shared by a scene\'s locales).',
  text_s DOUBLE NOT NULL COMMENT 'Core-seconds for typesetting.',
  encode_s DOUBLE NOT NULL COMMENT 'Core-seconds for encoding and storing.',
  made_at TIMESTAMP NOT NULL COMMENT 'When it was made.'
)
USING DELTA
COMMENT 'One picture made, with all that made it.'
TBLPROPERTIES ('hundredfaces.key' = 'asset_id', 'delta.dataSkippingStatsColumns' = 'asset_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE candidates ADD CONSTRAINT sha256_is_hex CHECK (length(sha256) = 64);
ALTER TABLE candidates ADD CONSTRAINT size_is_positive CHECK (bytes > 0 AND width_px > 0 AND height_px > 0);
ALTER TABLE candidates ADD CONSTRAINT product_untouched CHECK (changed_core_px = 0);
