-- From which feed row, picture, group and instruction does a live picture come? One row a picture.
SELECT
    a.asset_id,
    a.merchant_id,
    a.sku,
    p.title,
    p.feed_file,
    p.feed_row,
    p.product_hash,
    p.image_uri,
    a.image_sha256,
    a.cutout_sha256,
    a.segment_id,
    k.rank AS persona_rank,
    k.score AS persona_score,
    k.evidence,
    a.locale,
    a.placement,
    i.angle,
    a.headline,
    i.writer,
    a.instruction_hash,
    u.reason AS planned_because,
    a.variant,
    c.run_date AS drawn_in,
    c.made_at,
    c.seed,
    c.scene_backend,
    c.scene_revision,
    s.verdict,
    s.scored_at,
    a.scorer_revision,
    a.uri,
    a.sha256,
    a.release_id,
    r.releases,
    r.first_published
FROM live_assets AS a
LEFT JOIN live_products AS p ON a.merchant_id = p.merchant_id AND a.sku = p.sku
LEFT JOIN live_personas AS k
    ON a.merchant_id = k.merchant_id AND a.sku = k.sku AND a.segment_id = k.segment_id
LEFT JOIN live_instructions AS i
    ON a.merchant_id = i.merchant_id AND a.sku = i.sku AND a.segment_id = i.segment_id AND a.locale = i.locale
LEFT JOIN live_work_units AS u ON a.asset_id = u.asset_id
LEFT JOIN candidates AS c ON a.asset_id = c.asset_id
LEFT JOIN scores AS s ON a.asset_id = s.asset_id AND a.scorer_revision = s.scorer_revision
LEFT JOIN (
    SELECT held.asset_id, count(*) AS releases, min(releases.created_at) AS first_published
    FROM releases JOIN assets AS held ON held.release_id = coalesce(releases.assets_release_id, releases.release_id)
    WHERE releases.status = 'published'
    GROUP BY held.asset_id
) AS r ON a.asset_id = r.asset_id
ORDER BY a.merchant_id, a.sku, k.rank, a.locale, a.placement
