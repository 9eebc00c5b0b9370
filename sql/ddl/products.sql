CREATE TABLE IF NOT EXISTS products (
  run_date DATE NOT NULL COMMENT 'The night, as its logical date (UTC).',
  merchant_id STRING NOT NULL COMMENT 'The merchant, as named in the configuration.',
  sku STRING NOT NULL COMMENT 'The merchant\'s own stock-keeping unit.',
  title STRING NOT NULL COMMENT 'Name of the product, plain text.',
  description STRING COMMENT 'What the merchant says of it, plain text.',
  category STRING NOT NULL COMMENT 'The merchant\'s category path, levels joined by \' > \'.',
  taxonomy STRING COMMENT 'The category in the one taxonomy of all shops (jobs/catalog/taxonomy.toml); Other when no word is known.',
  brand STRING COMMENT 'Brand in the merchant\'s commonest spelling.',
  price_minor BIGINT NOT NULL COMMENT 'Price in minor units of the currency (cents).',
  sale_price_minor BIGINT COMMENT 'Reduced price of tonight in minor units; NULL when there is none.',
  currency STRING NOT NULL COMMENT 'ISO 4217 code.',
  availability STRING COMMENT 'in_stock, out_of_stock, preorder or backorder.',
  condition STRING COMMENT 'new, refurbished or used.',
  gtin STRING COMMENT 'GTIN-8, -12, -13 or -14 whose check digit holds.',
  parent_sku STRING COMMENT 'What the variants of one product share.',
  language STRING COMMENT 'Language of the text, ISO 639-1: declared, else detected; NULL when unsure.',
  tags ARRAY<STRING> NOT NULL COMMENT 'Free keywords of the merchant, lower case, sorted.',
  facts ARRAY<STRUCT<name: STRING, value: STRING, unit: STRING, number: DOUBLE, source_field: STRING>> NOT NULL COMMENT 'What copy may claim, sorted: name, value and unit to print, the value as a number (NULL for words; litres as ml, kilograms as g), and the feed field it comes from.',
  rating_mean DOUBLE COMMENT 'Mean rating of the reviews, 1 to 5.',
  rating_count BIGINT NOT NULL COMMENT 'Number of reviews.',
  image_uri STRING COMMENT 'Where the source picture lies; NULL when the feed names none that exists.',
  image_sha256 STRING COMMENT 'SHA-256 (hex) of the picture\'s bytes; NULL without a picture.',
  product_hash STRING NOT NULL COMMENT 'SHA-256 (hex) over the fields that influence a picture; not the price.',
  feed_date DATE COMMENT 'The night whose feed the row is from; earlier than run_date while a feed is set aside.',
  feed_file STRING COMMENT 'The file that the row is from, below data_root.',
  feed_row BIGINT COMMENT 'The line of that file where the row starts, or its number, from 1.'
)
USING DELTA
PARTITIONED BY (run_date)
COMMENT 'One sellable SKU of one merchant as of this night, normalised.'
TBLPROPERTIES ('hundredfaces.key' = 'run_date,merchant_id,sku', 'delta.dataSkippingStatsColumns' = 'merchant_id,sku', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE products ADD CONSTRAINT price_is_positive CHECK (price_minor > 0);
ALTER TABLE products ADD CONSTRAINT currency_is_iso_4217 CHECK (length(currency) = 3 AND currency = upper(currency));
ALTER TABLE products ADD CONSTRAINT sale_price_is_lower CHECK (sale_price_minor IS NULL OR sale_price_minor BETWEEN 1 AND price_minor - 1);
ALTER TABLE products ADD CONSTRAINT availability_known CHECK (availability IS NULL OR availability IN ('in_stock', 'out_of_stock', 'preorder', 'backorder'));
ALTER TABLE products ADD CONSTRAINT condition_known CHECK (condition IS NULL OR condition IN ('new', 'refurbished', 'used'));
ALTER TABLE products ADD CONSTRAINT gtin_has_a_length CHECK (gtin IS NULL OR length(gtin) IN (8, 12, 13, 14));
ALTER TABLE products ADD CONSTRAINT feed_is_not_of_tomorrow CHECK (feed_date IS NULL OR feed_date <= run_date);
ALTER TABLE products ADD CONSTRAINT title_has_sane_length CHECK (length(title) BETWEEN 1 AND 500);
ALTER TABLE products ADD CONSTRAINT product_hash_is_hex CHECK (length(product_hash) = 64);
ALTER TABLE products ADD CONSTRAINT rating_in_range CHECK (rating_mean IS NULL OR rating_mean BETWEEN 1 AND 5);
