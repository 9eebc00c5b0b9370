-- How are the measurements spread, and where do rejections begin? Twenty parts of equal size for each measurement.
SELECT
    name,
    part,
    count(*) AS pictures,
    round(min(value), 4) AS from_value,
    round(max(value), 4) AS to_value,
    round(100.0 * sum(CASE WHEN verdict = 'rejected' THEN 1 ELSE 0 END) / count(*), 1) AS percent_rejected
FROM (
    SELECT name, value, verdict, ntile(20) OVER (PARTITION BY name ORDER BY value, asset_id) AS part FROM measurements
) AS parts
GROUP BY name, part
ORDER BY name, part
