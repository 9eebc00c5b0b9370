-- Which settings give usable pictures at once, and which need retries?
SELECT
    i.scene.setting AS setting,
    count(*) AS slots,
    sum(CASE WHEN s.first_accepted = 0 THEN 1 ELSE 0 END) AS usable_at_first_try,
    sum(CASE WHEN s.first_accepted > 0 THEN 1 ELSE 0 END) AS usable_after_retries,
    sum(CASE WHEN s.first_accepted IS NULL THEN 1 ELSE 0 END) AS not_usable,
    round(avg(s.attempts), 2) AS attempts_each
FROM (
    SELECT
        u.merchant_id, u.sku, u.segment_id, u.locale, u.placement,
        count(*) AS attempts,
        min(CASE WHEN t.verdict = 'accepted' THEN u.variant END) AS first_accepted
    FROM live_work_units AS u JOIN last_scores AS t ON u.asset_id = t.asset_id AND u.look <> 'white'
    GROUP BY u.merchant_id, u.sku, u.segment_id, u.locale, u.placement
) AS s
JOIN live_instructions AS i
    ON s.merchant_id = i.merchant_id AND s.sku = i.sku AND s.segment_id = i.segment_id AND s.locale = i.locale
GROUP BY i.scene.setting
ORDER BY slots DESC, setting
