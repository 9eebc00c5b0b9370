-- Which user groups do the products of a category get, and how often first?
SELECT
    p.category,
    g.name AS segment,
    count(*) AS products,
    sum(CASE WHEN k.rank = 1 THEN 1 ELSE 0 END) AS ranked_first,
    round(avg(k.score), 3) AS mean_score
FROM live_personas AS k
JOIN live_products AS p ON k.merchant_id = p.merchant_id AND k.sku = p.sku
JOIN live_segments AS g ON k.segment_id = g.segment_id
GROUP BY p.category, g.name
ORDER BY p.category, products DESC, segment
