-- Every table as of the live release. The same text runs on Spark SQL and on DuckDB over the tables of the warehouse.
CREATE OR REPLACE TEMPORARY VIEW live_release AS
SELECT * FROM releases
WHERE sequence = (SELECT max(sequence) FROM releases WHERE status = 'published');

CREATE OR REPLACE TEMPORARY VIEW live_assets AS
SELECT assets.* FROM assets
JOIN live_release ON assets.release_id = coalesce(live_release.assets_release_id, live_release.release_id);

-- What was live before: the last published release with other content.
CREATE OR REPLACE TEMPORARY VIEW earlier_assets AS
SELECT assets.* FROM assets
WHERE assets.release_id = (
    SELECT max_by(coalesce(releases.assets_release_id, releases.release_id), releases.sequence)
    FROM releases CROSS JOIN live_release
    WHERE releases.status = 'published' AND releases.content_hash <> live_release.content_hash
);

CREATE OR REPLACE TEMPORARY VIEW live_products AS
SELECT products.* FROM products JOIN live_release ON products.run_date = live_release.run_date;

CREATE OR REPLACE TEMPORARY VIEW live_segments AS
SELECT segments.* FROM segments JOIN live_release ON segments.run_date = live_release.run_date;

CREATE OR REPLACE TEMPORARY VIEW live_personas AS
SELECT personas.* FROM personas JOIN live_release ON personas.run_date = live_release.run_date;

CREATE OR REPLACE TEMPORARY VIEW live_instructions AS
SELECT instructions.* FROM instructions JOIN live_release ON instructions.run_date = live_release.run_date;

CREATE OR REPLACE TEMPORARY VIEW live_work_units AS
SELECT work_units.* FROM work_units JOIN live_release ON work_units.run_date = live_release.run_date
WHERE work_units.status <> 'retired';

CREATE OR REPLACE TEMPORARY VIEW live_rejects AS
SELECT rejects.* FROM rejects JOIN live_release ON rejects.run_date = live_release.run_date;

-- One row a picture: its last scoring.
CREATE OR REPLACE TEMPORARY VIEW last_scores AS
SELECT * FROM (
    SELECT scores.*, row_number() OVER (PARTITION BY asset_id ORDER BY scored_at DESC, scorer_revision) AS place
    FROM scores
) AS numbered
WHERE place = 1;
