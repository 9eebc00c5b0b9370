-- Why does a product have no picture? The first stage that stopped it.
SELECT
    p.merchant_id,
    p.sku,
    p.title,
    CASE
        WHEN p.image_sha256 IS NULL THEN coalesce(r.reason, 'image_missing')
        WHEN w.wanted > 0 THEN 'all_attempts_rejected'
        WHEN i.written > 0 THEN 'not_planned'
        WHEN k.ranked > 0 THEN 'no_instruction'
        ELSE coalesce(v.reason, 'no_persona')
    END AS reason
FROM live_products AS p
LEFT JOIN (SELECT DISTINCT merchant_id, sku FROM live_assets) AS a
    ON p.merchant_id = a.merchant_id AND p.sku = a.sku
LEFT JOIN (
    SELECT merchant_id, sku, min(reason) AS reason FROM live_rejects
    WHERE stage = 'jobs.ingest_catalog' AND reason LIKE 'image%' GROUP BY merchant_id, sku
) AS r ON p.merchant_id = r.merchant_id AND p.sku = r.sku
LEFT JOIN (
    SELECT image_sha256, max_by(reason, made_at) AS reason FROM product_views GROUP BY image_sha256
) AS v ON p.image_sha256 = v.image_sha256
LEFT JOIN (SELECT merchant_id, sku, count(*) AS ranked FROM live_personas GROUP BY merchant_id, sku) AS k
    ON p.merchant_id = k.merchant_id AND p.sku = k.sku
LEFT JOIN (SELECT merchant_id, sku, count(*) AS written FROM live_instructions GROUP BY merchant_id, sku) AS i
    ON p.merchant_id = i.merchant_id AND p.sku = i.sku
LEFT JOIN (SELECT merchant_id, sku, count(*) AS wanted FROM live_work_units GROUP BY merchant_id, sku) AS w
    ON p.merchant_id = w.merchant_id AND p.sku = w.sku
WHERE a.sku IS NULL
ORDER BY p.merchant_id, p.sku
