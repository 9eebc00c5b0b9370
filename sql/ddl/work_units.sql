CREATE TABLE IF NOT EXISTS work_units (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  asset_id STRING NOT NULL COMMENT 'SHA-256 (hex) over everything that influences the asset\'s pixels; never dates or scores.',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  locale STRING NOT NULL COMMENT 'Language of the copy, BCP 47.',
  placement STRING NOT NULL COMMENT 'Where the picture is shown; its canvas comes from the configuration.',
  width_px INT NOT NULL COMMENT 'Canvas width.',
  height_px INT NOT NULL COMMENT 'Canvas height.',
  look STRING COMMENT 'text, plain (the scene without text) or white (the product alone on white).',
  scene_height_px INT COMMENT 'Height of the scene that the picture is a window of.',
  scene_text BOOLEAN COMMENT 'Whether that scene leaves room for text.',
  offer STRING COMMENT 'JSON of the price that the picture shows: currency, legal (by locale), price_minor, was_price_minor; NULL where it shows none.',
  variant INT NOT NULL COMMENT '0 for the first attempt; each retry after a rejection adds one.',
  status STRING NOT NULL COMMENT 'exists; to_do; standby (made only if every lower variant is rejected); deferred (beyond the night\'s budget, planned again tomorrow); failed (too often, waits for jobs.retry_rejects); retired (was made, and tonight does not want it).',
  reason STRING NOT NULL COMMENT 'Why it is needed or retired, of a closed list.',
  priority DOUBLE NOT NULL COMMENT 'Higher is made first: merchant\'s tier, then persona\'s rank, then the reason.',
  estimated_s DOUBLE NOT NULL COMMENT 'Estimated core-seconds of drawing and scoring, retries included.',
  estimated_gpu_s DOUBLE COMMENT 'Estimated GPU-seconds.',
  persona_rank INT NOT NULL COMMENT 'Rank of the segment for the product.',
  image_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the source image\'s bytes.',
  product_hash STRING COMMENT 'The product\'s record.',
  cutout_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the cut-out\'s file.',
  cutout_uri STRING NOT NULL COMMENT 'Object key of what is placed: the cut-out, the whole photograph, or on white that without its ground.',
  instruction_hash STRING NOT NULL COMMENT 'SHA-256 (hex) over the parts of the instruction that reach the file.',
  scene_backend STRING NOT NULL COMMENT 'What draws the scene: components or a diffusion pipeline.',
  scene_revision STRING NOT NULL COMMENT 'Pinned revision of the scene backend (code or weights).',
  renderer_revision STRING NOT NULL COMMENT 'Revision of composition, typesetting and encoding.',
  identity STRING NOT NULL COMMENT 'The canonical JSON whose SHA-256 is the asset id: every setting that makes it.',
  settled BOOLEAN COMMENT 'Whether there was, when this was planned, a picture in this place (product, segment, locale, placement) that the night\'s thresholds accept, and none that they had not judged: nothing is left to do there.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'One asset that the night wants, whether it exists, and why it is needed.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,asset_id', 'delta.dataSkippingStatsColumns' = 'asset_id', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE work_units ADD CONSTRAINT status_known CHECK (status IN ('exists', 'to_do', 'standby', 'deferred', 'failed', 'retired'));
ALTER TABLE work_units ADD CONSTRAINT reason_known CHECK (reason IN ('unchanged', 'new_product', 'changed_picture', 'changed_facts', 'new_persona', 'changed_instruction', 'new_method_revision', 'threshold_changed', 'previously_failed', 'recalled', 'retry', 'product_gone', 'persona_gone'));
ALTER TABLE work_units ADD CONSTRAINT asset_id_is_hex CHECK (length(asset_id) = 64);
ALTER TABLE work_units ADD CONSTRAINT variant_not_negative CHECK (variant >= 0);
