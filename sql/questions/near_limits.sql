-- How near to its limit do pictures lie? Near is within a tenth of it: so many fall or pass when the limit moves.
SELECT
    measurement,
    look,
    reason,
    side,
    limit_value,
    count(*) AS pictures,
    sum(CASE WHEN beyond AND NOT near THEN 1 ELSE 0 END) AS far_beyond,
    sum(CASE WHEN beyond AND near THEN 1 ELSE 0 END) AS just_beyond,
    sum(CASE WHEN near AND NOT beyond THEN 1 ELSE 0 END) AS just_within,
    sum(CASE WHEN NOT near AND NOT beyond THEN 1 ELSE 0 END) AS far_within
FROM (
    SELECT
        l.measurement,
        l.look,
        l.reason,
        l.side,
        l.value AS limit_value,
        isnan(m.value) OR CASE WHEN l.side = 'min' THEN m.value < l.value ELSE m.value > l.value END AS beyond,
        NOT isnan(m.value) AND l.value <> 0 AND abs(m.value - l.value) <= 0.1 * abs(l.value) AS near
    FROM measurements AS m
    JOIN live_work_units AS u ON m.asset_id = u.asset_id
    JOIN (SELECT DISTINCT * FROM limits) AS l
        ON m.scorer_revision = l.scorer_revision AND m.name = l.measurement AND u.look = l.look
) AS held
GROUP BY measurement, look, reason, side, limit_value
ORDER BY measurement, look, side, limit_value
