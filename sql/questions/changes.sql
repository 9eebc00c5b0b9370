-- What does the live release show differently from the one before?
SELECT
    coalesce(b.merchant_id, a.merchant_id) AS merchant_id,
    CASE
        WHEN a.asset_id IS NULL THEN 'added'
        WHEN b.asset_id IS NULL THEN 'removed'
        WHEN a.sha256 <> b.sha256 THEN 'changed'
        ELSE 'same'
    END AS change,
    count(*) AS pictures
FROM earlier_assets AS a
FULL JOIN live_assets AS b
    ON a.merchant_id = b.merchant_id AND a.sku = b.sku AND a.segment_id = b.segment_id
    AND a.locale = b.locale AND a.placement = b.placement
GROUP BY 1, 2
ORDER BY 1, 2
