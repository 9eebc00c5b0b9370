CREATE TABLE IF NOT EXISTS products (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  title STRING NOT NULL COMMENT 'Name of the product, plain text.',
  description STRING COMMENT 'What the merchant says of it, plain text.',
  category STRING NOT NULL COMMENT 'The merchant\'s category path, levels joined by \' > \'.',
  brand STRING COMMENT 'Brand as printed.',
  price_minor BIGINT NOT NULL COMMENT 'Price in minor units of the currency (cents).',
  currency STRING NOT NULL COMMENT 'ISO 4217 code.',
  tags ARRAY<STRING> NOT NULL COMMENT 'Free keywords of the merchant, lower case.',
  facts ARRAY<STRUCT<name: STRING, value: STRING, unit: STRING, source_field: STRING>> NOT NULL COMMENT 'What copy may claim: name, value, unit, and the feed field it comes from.',
  rating_mean DOUBLE COMMENT 'Mean rating of the reviews, 1 to 5.',
  rating_count BIGINT NOT NULL COMMENT 'Number of reviews.',
  image_uri STRING COMMENT 'Where the source picture lies; NULL when the feed names none that exists.',
  image_sha256 STRING COMMENT 'SHA-256 (hex) of the picture\'s bytes; NULL without a picture.',
  product_hash STRING NOT NULL COMMENT 'SHA-256 (hex) over the fields that influence a picture; not the price.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'One sellable SKU of one merchant as of this night, normalised.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,merchant_id,sku', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE products ADD CONSTRAINT price_is_positive CHECK (price_minor > 0);
ALTER TABLE products ADD CONSTRAINT currency_is_iso_4217 CHECK (length(currency) = 3 AND currency = upper(currency));
ALTER TABLE products ADD CONSTRAINT title_has_sane_length CHECK (length(title) BETWEEN 1 AND 500);
ALTER TABLE products ADD CONSTRAINT product_hash_is_hex CHECK (length(product_hash) = 64);
ALTER TABLE products ADD CONSTRAINT rating_in_range CHECK (rating_mean IS NULL OR rating_mean BETWEEN 1 AND 5);
