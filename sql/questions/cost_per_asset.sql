-- How many core-seconds does a usable picture cost each merchant, rejected attempts included?
SELECT
    u.merchant_id,
    count(c.asset_id) AS pictures_drawn,
    max(a.usable) AS pictures_usable,
    round(sum(c.scene_s + c.text_s + c.encode_s), 2) AS drawing_s,
    round(sum(s.score_s), 2) AS scoring_s,
    round(sum(c.scene_s + c.text_s + c.encode_s + s.score_s) / max(a.usable), 3) AS core_s_per_usable_picture
FROM live_work_units AS u
JOIN candidates AS c ON u.asset_id = c.asset_id
JOIN last_scores AS s ON u.asset_id = s.asset_id
JOIN (SELECT merchant_id, count(*) AS usable FROM live_assets GROUP BY merchant_id) AS a
    ON u.merchant_id = a.merchant_id
GROUP BY u.merchant_id
ORDER BY u.merchant_id
