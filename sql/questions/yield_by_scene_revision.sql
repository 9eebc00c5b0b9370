-- What painted the scenes (weights, steps, shared steps), how often its pictures pass, and how far a product's differ.
SELECT
    c.scene_backend,
    c.scene_revision,
    count(*) AS pictures,
    round(100.0 * sum(CASE WHEN s.verdict = 'accepted' THEN 1 ELSE 0 END) / count(*), 1) AS percent_accepted,
    round(avg(m.twin_distance), 4) AS twin_distance,
    round(avg(m.twin_similarity), 4) AS twin_similarity,
    round(avg(m.setting_similarity), 4) AS setting_similarity,
    round(avg(c.scene_s), 4) AS scene_s
FROM candidates AS c
JOIN last_scores AS s ON c.asset_id = s.asset_id
LEFT JOIN (
    SELECT
        asset_id,
        max(CASE WHEN name = 'twin_distance' THEN value END) AS twin_distance,
        max(CASE WHEN name = 'twin_similarity' THEN value END) AS twin_similarity,
        max(CASE WHEN name = 'setting_similarity' THEN value END) AS setting_similarity
    FROM measurements
    GROUP BY asset_id
) AS m ON c.asset_id = m.asset_id
GROUP BY c.scene_backend, c.scene_revision
ORDER BY c.scene_backend, c.scene_revision
