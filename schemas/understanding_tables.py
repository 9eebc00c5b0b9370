"""Tables of what a picture shows, to whom a product is shown, and how."""

from __future__ import annotations

from schemas.columns import (
    BOX,
    CLAIM,
    COLOUR,
    IMAGE,
    INSTRUCTION_HASH,
    LOCALE,
    MEASUREMENT,
    MERCHANT,
    RUN_DATE,
    SCENE,
    SEGMENT,
    SKU,
)
from schemas.contract import (
    BOOL,
    DOUBLE,
    INT,
    LONG,
    STRING,
    TIMESTAMP,
    Check,
    Column,
    Table,
    between,
    hex_digits,
    list_of,
    numbered_without_gaps,
    one_of,
    refers_to,
    steady_count,
)

PRODUCT_VIEWS = Table(
    name="product_views",
    doc="One source image of a product as one method sees it: cut-out, its quality, colours, verdict.",
    columns=(
        IMAGE,
        Column("method_revision", STRING, "Revision of opening, cut-out and colours together."),
        Column("image_bytes", LONG, "Size of the source file."),
        Column("width_px", INT, "Width after orientation; 0 when it could not be opened."),
        Column("height_px", INT, "Height after orientation; 0 when it could not be opened."),
        Column(
            "background_kind", STRING, "white, plain, textured, lifestyle, or transparent.", nullable=True
        ),
        Column(
            "cutout_uri",
            STRING,
            "Object key of the cut-out (PNG, RGBA, cropped to the product) or of the photograph to frame.",
            nullable=True,
            sample=one_of("cutouts/ab/cd.png"),
        ),
        Column(
            "cutout_sha256",
            STRING,
            "SHA-256 (hex) of the cut-out's file.",
            nullable=True,
            sample=hex_digits(64),
        ),
        Column(
            "white_uri",
            STRING,
            "Object key of a framed photograph whose own white ground is lifted to transparent (PNG, RGBA), for "
            "placements on white; NULL where the product was cut out, or the photograph does not show it on white.",
            nullable=True,
            sample=one_of(None, "cutouts/ab/cd.png"),
        ),
        Column(
            "white_sha256",
            STRING,
            "SHA-256 (hex) of that file.",
            nullable=True,
            sample=hex_digits(64),
        ),
        Column("cutout_width_px", INT, "Width of the cut-out.", nullable=True),
        Column("cutout_height_px", INT, "Height of the cut-out.", nullable=True),
        Column(
            "mask_quality", DOUBLE, "The method's own estimate, 0 to 1.", nullable=True, sample=between(0, 1)
        ),
        Column("product_share", DOUBLE, "Product's share of the image area, 0 to 1.", nullable=True),
        Column(
            "product_box",
            BOX,
            "Where the product stands in the image, pixels, half-open; NULL without a cut-out.",
            nullable=True,
        ),
        Column(
            "photo",
            list_of(MEASUREMENT),
            "What the photograph measures by name: size, sharpness, lightness, contrast, clipping, detail; "
            "white_...: how its ground lifts to white, where that was tried.",
            nullable=True,
        ),
        Column(
            "palette",
            list_of(COLOUR),
            "Dominant colours of the product with share and name, strongest first.",
        ),
        Column(
            "tags",
            list_of(STRING),
            "Words for what was measured (colours, form, surface, background, what is printed on it).",
        ),
        Column(
            "text_found", list_of(STRING), "Text read in the image; NULL when nobody looked.", nullable=True
        ),
        Column(
            "people_present",
            BOOL,
            "Bare skin that the image's border cuts: true is seldom wrong, false misses most people.",
            nullable=True,
        ),
        Column("verdict", STRING, "accepted or refused.", sample=one_of("accepted", "refused")),
        Column(
            "treatment",
            STRING,
            "cutout, or framed: the whole photograph is shown; NULL when refused.",
            nullable=True,
            sample=one_of("cutout", "framed"),
        ),
        Column(
            "reason",
            STRING,
            "Reason code of a refusal, or why the product is framed and not cut out.",
            nullable=True,
            sample=one_of("edges_unclear"),
        ),
        Column(
            "reasons", list_of(STRING), "All of them: of the cut-out, then of the photograph.", nullable=True
        ),
        Column("detail", STRING, "What was seen, in words.", nullable=True),
        Column("made_at", TIMESTAMP, "When the row was written."),
    ),
    key=("image_sha256", "method_revision"),
    written_by="ray_tasks.build_product_views",
    checks=(
        Check(
            "verdict_known",
            "verdict IN ('accepted', 'refused')",
            breaks={"verdict": "Accepted", "reason": "blurred"},
        ),
        Check(
            "refusal_has_reason",
            "verdict = 'accepted' OR reason IS NOT NULL",
            breaks={"verdict": "refused", "reason": None},
        ),
        Check(
            "accepted_has_cutout",
            "verdict = 'refused' OR (cutout_uri IS NOT NULL AND cutout_sha256 IS NOT NULL)",
            breaks={"verdict": "accepted", "cutout_sha256": None},
        ),
        Check(
            "white_has_its_hash",
            "white_uri IS NULL OR white_sha256 IS NOT NULL",
            breaks={"white_uri": "cutouts/ab/cd.png", "white_sha256": None},
        ),
        Check(
            "mask_quality_in_range",
            "mask_quality IS NULL OR mask_quality BETWEEN 0 AND 1",
            breaks={"mask_quality": -0.01},
        ),
    ),
)

PERSONAS = Table(
    name="personas",
    doc="One product x segment among the product's top K.",
    columns=(
        RUN_DATE,
        MERCHANT,
        SKU,
        SEGMENT,
        Column("rank", INT, "1 is the most likely group."),
        Column(
            "score",
            DOUBLE,
            "Estimated log-lift: exp(score) is how much likelier than average; the sum of its parts.",
        ),
        Column(
            "affinity_score", DOUBLE, "Part from behaviour: lifts of the product's category, tags and brand."
        ),
        Column(
            "text_score",
            DOUBLE,
            "Part from text: likeness to what the segment says, and to the names of what it engages with.",
        ),
        Column(
            "price_score",
            DOUBLE,
            "Part from price: lift of the product's price, smoothed over price bands; NULL before 2026-11-21.",
            nullable=True,
        ),
        Column(
            "season_score",
            DOUBLE,
            "Part from season: lift of the season that the product names, 0 for none; NULL before 2026-11-21.",
            nullable=True,
        ),
        Column(
            "model_score",
            DOUBLE,
            "Part from a vision-language model's opinion, by the weight that its record gives it; NULL where none was "
            "asked.",
            nullable=True,
        ),
        Column("evidence", list_of(STRING), "Why, in words that an analyst can check."),
        Column(
            "refused_attempts",
            list_of(STRING),
            "What the model's answers about the product were refused for, an item an attempt; two leave its part at 0; "
            "NULL where none was asked.",
            nullable=True,
        ),
        Column("method_revision", STRING, "Revision of the scoring."),
    ),
    key=("run_date", "merchant_id", "sku", "segment_id"),
    written_by="ray_tasks.infer_personas",
    partition_by=("run_date",),
    checks=(
        Check("rank_is_positive", "rank >= 1", breaks={"rank": 0}),
        Check("score_is_finite", "score > -1000 AND score < 1000", breaks={"score": float("inf")}),
    ),
    rules=(
        refers_to("products", "merchant_id", "sku"),
        refers_to("segments", "segment_id"),
        numbered_without_gaps("rank", "merchant_id", "sku"),
        steady_count(0.3, per="merchant_id"),
    ),
)

PERSONA_EVALUATION = Table(
    name="persona_evaluation",
    doc="One measure of one way to find personas, on one shop whose last weeks were held out.",
    columns=(
        Column("shop", STRING, "sample_shop, complete_journey, online_retail or demo_store."),
        Column(
            "products_kind",
            STRING,
            "all, warm, cold (no past event of the product) or new (none of its category or brand).",
        ),
        Column("method", STRING, "ours, a baseline, or ours with one thing taken away."),
        Column("metric", STRING, "recall@1, recall@3, recall@5 or ndcg@5."),
        Column("value", DOUBLE, "Mean over products and folds, 0 to 1."),
        Column("low", DOUBLE, "Lower end of the 95 % interval, by a bootstrap over products."),
        Column("high", DOUBLE, "Upper end of the 95 % interval."),
        Column("ours_minus", DOUBLE, "Ours minus this method on the same products; 0 for ours."),
        Column(
            "ours_minus_low", DOUBLE, "Lower end of the difference's 95 % interval; above 0: ours is better."
        ),
        Column(
            "ours_minus_high", DOUBLE, "Upper end of the difference's 95 % interval; below 0: ours is worse."
        ),
        Column("products", LONG, "Distinct products that were judged."),
        Column("method_revision", STRING, "Revision of the scoring."),
    ),
    key=("shop", "products_kind", "method", "metric"),
    written_by="jobs.evaluate_personas",
    checks=(Check("value_in_range", "value BETWEEN 0 AND 1", breaks={"value": 1.5}),),
)

INSTRUCTIONS = Table(
    name="instructions",
    doc="The presentation instruction for one product x segment x locale.",
    columns=(
        RUN_DATE,
        MERCHANT,
        SKU,
        SEGMENT,
        LOCALE,
        Column("placements", list_of(STRING), "The merchant's placements that it is written for."),
        Column(
            "angle",
            STRING,
            "What it argues with: function, style, price, occasion; proof (reviews) or origin where the record has it.",
        ),
        Column("need", STRING, "The need it answers."),
        Column(
            "scene", SCENE, "Setting, light, season, mood, palette, props; the product's longest side in cm."
        ),
        Column("surface", STRING, "What the product stands on."),
        Column(
            "layout", STRING, "The composition: where the text block sits, and so where the product does."
        ),
        Column("headline", STRING, "At most 42 columns (a full-width character takes two)."),
        Column("selling_points", list_of(STRING), "At most three, each at most 48 columns."),
        Column("sticker", STRING, "Badge text.", nullable=True),
        Column("call_to_action", STRING, "Button text.", nullable=True),
        Column("alt_text", STRING, "Text alternative of the picture (WCAG 2.2, 1.1.1)."),
        Column(
            "product_alt_text",
            STRING,
            "Text alternative of a picture that does not show the scene: on white, or tried again in another setting.",
            nullable=True,
            sample=one_of(None, "A mug."),
        ),
        Column(
            "reference",
            STRING,
            "SHA-256 (hex) of the picture whose style a model's scene borrows; NULL where it borrows none.",
            nullable=True,
            sample=one_of(None, "9" * 64),
        ),
        Column("avoid", list_of(STRING), "What the picture must not show or say."),
        Column("claims", list_of(CLAIM), "Every claim with the catalog field and value that it rests on."),
        INSTRUCTION_HASH,
        Column("writer", STRING, "rules, or the model's id."),
        Column("writer_revision", STRING, "Revision of the writer."),
        Column(
            "refused_attempts",
            list_of(STRING),
            "Reason codes of each of a model's attempts that was not used, comma-separated; none for rules.",
        ),
    ),
    key=("run_date", "merchant_id", "sku", "segment_id", "locale"),
    written_by="ray_tasks.write_instructions",
    partition_by=("run_date",),
    checks=(
        Check("headline_fits", "length(headline) BETWEEN 1 AND 42", breaks={"headline": "x" * 43}),
        Check("alt_text_given", "length(alt_text) BETWEEN 1 AND 200", breaks={"alt_text": ""}),
        Check(
            "instruction_hash_is_hex", "length(instruction_hash) = 64", breaks={"instruction_hash": "0" * 65}
        ),
    ),
    rules=(
        refers_to("personas", "merchant_id", "sku", "segment_id"),
        steady_count(0.3, per="merchant_id"),
    ),
)
