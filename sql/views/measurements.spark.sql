-- One row a measurement of a picture's last scoring.
CREATE OR REPLACE TEMPORARY VIEW measurements AS
SELECT asset_id, scorer_revision, verdict, m.name AS name, m.value AS value
FROM (SELECT asset_id, scorer_revision, verdict, explode(measurements) AS m FROM last_scores) AS one_a_row;
