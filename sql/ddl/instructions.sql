CREATE TABLE IF NOT EXISTS instructions (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  segment_id STRING NOT NULL COMMENT 'The user segment.',
  locale STRING NOT NULL COMMENT 'Language of the copy, BCP 47.',
  placements ARRAY<STRING> NOT NULL COMMENT 'The merchant\'s placements that it is written for.',
  angle STRING NOT NULL COMMENT 'What it argues with: function, style, price, occasion; proof (reviews) or origin where the record has it.',
  need STRING NOT NULL COMMENT 'The need it answers.',
  scene STRUCT<setting: STRING, light: STRING, season: STRING, mood: STRING, palette: ARRAY<STRING>, props: ARRAY<STRING>, size_cm: INT> NOT NULL COMMENT 'Setting, light, season, mood, palette, props; the product\'s longest side in cm.',
  surface STRING NOT NULL COMMENT 'What the product stands on.',
  layout STRING NOT NULL COMMENT 'The composition: where the text block sits, and so where the product does.',
  headline STRING NOT NULL COMMENT 'At most 42 columns (a full-width character takes two).',
  selling_points ARRAY<STRING> NOT NULL COMMENT 'At most three, each at most 48 columns.',
  sticker STRING COMMENT 'Badge text.',
  call_to_action STRING COMMENT 'Button text.',
  alt_text STRING NOT NULL COMMENT 'Text alternative of the picture (WCAG 2.2, 1.1.1).',
  product_alt_text STRING COMMENT 'Text alternative of a picture that does not show the scene: on white, or tried again in another setting.',
  reference STRING COMMENT 'SHA-256 (hex) of the picture whose style a model\'s scene borrows; NULL where it borrows none.',
  avoid ARRAY<STRING> NOT NULL COMMENT 'What the picture must not show or say.',
  claims ARRAY<STRUCT<element: STRING, text: STRING, source_field: STRING, source_value: STRING>> NOT NULL COMMENT 'Every claim with the catalog field and value that it rests on.',
  instruction_hash STRING NOT NULL COMMENT 'SHA-256 (hex) over the parts of the instruction that reach the file.',
  writer STRING NOT NULL COMMENT 'rules, or the model\'s id.',
  writer_revision STRING NOT NULL COMMENT 'Revision of the writer.',
  refused_attempts ARRAY<STRING> NOT NULL COMMENT 'Reason codes of each of a model\'s attempts that was not used, comma-separated; none for rules.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'The presentation instruction for one product x segment x locale.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,merchant_id,sku,segment_id,locale', 'delta.dataSkippingStatsColumns' = 'merchant_id,sku,segment_id,locale', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE instructions ADD CONSTRAINT headline_fits CHECK (length(headline) BETWEEN 1 AND 42);
ALTER TABLE instructions ADD CONSTRAINT alt_text_given CHECK (length(alt_text) BETWEEN 1 AND 200);
ALTER TABLE instructions ADD CONSTRAINT instruction_hash_is_hex CHECK (length(instruction_hash) = 64);
