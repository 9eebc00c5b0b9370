CREATE TABLE IF NOT EXISTS persona_evaluation (
  shop STRING NOT NULL COMMENT 'sample_shop, complete_journey, online_retail or demo_store.',
  products_kind STRING NOT NULL COMMENT 'all, warm, cold (no past event of the product) or new (none of its category or brand).',
  method STRING NOT NULL COMMENT 'ours, a baseline, or ours with one thing taken away.',
  metric STRING NOT NULL COMMENT 'recall@1, recall@3, recall@5 or ndcg@5.',
  value DOUBLE NOT NULL COMMENT 'Mean over products and folds, 0 to 1.',
  low DOUBLE NOT NULL COMMENT 'Lower end of the 95 % interval, by a bootstrap over products.',
  high DOUBLE NOT NULL COMMENT 'Upper end of the 95 % interval.',
  ours_minus DOUBLE NOT NULL COMMENT 'Ours minus this method on the same products; 0 for ours.',
  ours_minus_low DOUBLE NOT NULL COMMENT 'Lower end of the difference\'s 95 % interval; above 0: ours is better.',
  ours_minus_high DOUBLE NOT NULL COMMENT 'Upper end of the difference\'s 95 % interval; below 0: ours is worse.',
  products BIGINT NOT NULL COMMENT 'Distinct products that were judged.',
  method_revision STRING NOT NULL COMMENT 'Revision of the scoring.'
)
USING DELTA
COMMENT 'One measure of one way to find personas, on one shop whose last weeks were held out.'
TBLPROPERTIES ('hundredfaces.key' = 'shop,products_kind,method,metric', 'delta.dataSkippingStatsColumns' = 'shop,products_kind,method,metric', 'delta.logRetentionDuration' = 'interval 3650 days', 'delta.deletedFileRetentionDuration' = 'interval 3650 days');
ALTER TABLE persona_evaluation ADD CONSTRAINT value_in_range CHECK (value BETWEEN 0 AND 1);
