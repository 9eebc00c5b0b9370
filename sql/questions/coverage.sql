-- How many products of each merchant and category have pictures?
SELECT
    p.merchant_id,
    p.category,
    count(*) AS products,
    count(a.sku) AS with_pictures,
    round(100.0 * count(a.sku) / count(*), 1) AS percent
FROM live_products AS p
LEFT JOIN (SELECT DISTINCT merchant_id, sku FROM live_assets) AS a
    ON p.merchant_id = a.merchant_id AND p.sku = a.sku
GROUP BY p.merchant_id, p.category
ORDER BY p.merchant_id, p.category
