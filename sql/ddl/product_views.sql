CREATE TABLE IF NOT EXISTS product_views (
  image_sha256 STRING NOT NULL COMMENT 'SHA-256 (hex) of the source image\'s bytes.',
  method_revision STRING NOT NULL COMMENT 'Revision of opening, cut-out and colours together.',
  image_bytes BIGINT NOT NULL COMMENT 'Size of the source file.',
  width_px INT NOT NULL COMMENT 'Width after orientation; 0 when it could not be opened.',
  height_px INT NOT NULL COMMENT 'Height after orientation; 0 when it could not be opened.',
  background_kind STRING COMMENT 'white, plain, textured, lifestyle, or transparent.',
  cutout_uri STRING COMMENT 'Object key of the cut-out (PNG, RGBA, cropped to the product) or of the photograph to frame.',
  cutout_sha256 STRING COMMENT 'SHA-256 (hex) of the cut-out\'s file.',
  white_uri STRING COMMENT 'Object key of a framed photograph whose own white ground is lifted to transparent (PNG, RGBA), for placements on white; NULL where the product was cut out, or the photograph does not show it on white.',
  white_sha256 STRING COMMENT 'SHA-256 (hex) of that file.',
  cutout_width_px INT COMMENT 'Width of the cut-out.',
  cutout_height_px INT COMMENT 'Height of the cut-out.',
  mask_quality DOUBLE COMMENT 'The method\'s own estimate, 0 to 1.',
  product_share DOUBLE COMMENT 'Product\'s share of the image area, 0 to 1.',
  product_box STRUCT<left: INT, top: INT, right: INT, bottom: INT> COMMENT 'Where the product stands in the image, pixels, half-open; NULL without a cut-out.',
  photo ARRAY<STRUCT<name: STRING, value: DOUBLE>> COMMENT 'What the photograph measures by name: size, sharpness, lightness, contrast, clipping, detail; white_...: how its ground lifts to white, where that was tried.',
  palette ARRAY<STRUCT<hex: STRING, share: DOUBLE, name: STRING>> NOT NULL COMMENT 'Dominant colours of the product with share and name, strongest first.',
  tags ARRAY<STRING> NOT NULL COMMENT 'Words for what was measured (colours, form, surface, background, what is printed on it).',
  text_found ARRAY<STRING> COMMENT 'Text read in the image; NULL when nobody looked.',
  people_present BOOLEAN COMMENT 'Bare skin that the image\'s border cuts: true is seldom wrong, false misses most people.',
  verdict STRING NOT NULL COMMENT 'accepted or refused.',
  treatment STRING COMMENT 'cutout, or framed: the whole photograph is shown; NULL when refused.',
  reason STRING COMMENT 'Reason code of a refusal, or why the product is framed and not cut out.',
  reasons ARRAY<STRING> COMMENT 'All of them: of the cut-out, then of the photograph.',
  detail STRING COMMENT 'What was seen, in words.',
  made_at TIMESTAMP NOT NULL COMMENT 'When the row was written.'
)
USING DELTA
COMMENT 'One source image of a product as one method sees it: cut-out, its quality, colours, verdict.'
TBLPROPERTIES ('hundredfaces.key' = 'image_sha256,method_revision', 'delta.dataSkippingStatsColumns' = 'image_sha256,method_revision', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE product_views ADD CONSTRAINT verdict_known CHECK (verdict IN ('accepted', 'refused'));
ALTER TABLE product_views ADD CONSTRAINT refusal_has_reason CHECK (verdict = 'accepted' OR reason IS NOT NULL);
ALTER TABLE product_views ADD CONSTRAINT accepted_has_cutout CHECK (verdict = 'refused' OR (cutout_uri IS NOT NULL AND cutout_sha256 IS NOT NULL));
ALTER TABLE product_views ADD CONSTRAINT white_has_its_hash CHECK (white_uri IS NULL OR white_sha256 IS NOT NULL);
ALTER TABLE product_views ADD CONSTRAINT mask_quality_in_range CHECK (mask_quality IS NULL OR mask_quality BETWEEN 0 AND 1);
