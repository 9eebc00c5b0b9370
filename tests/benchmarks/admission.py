"""Admission of the three real shops' 374 pictures against labels made by eye: precision and recall per class and fault.

    python -m tests.benchmarks.admission --data ../shared/data [--processes 2]

Labels are in tests/data/picture_labels.csv. Pictures are split in halves by a hash of the file name: thresholds
are chosen on `tuning`, the table is of `held out`. A class is predicted by the treatment (usable: it is cut out) or by
the reason against a cut-out.

The last tables are of the cut-outs that classical-23 accepted, each mask as it is now, whether still accepted or not:
what the eye sees wrong with it (tests/data/cutout_fault_labels.csv), and how many of these are refused.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import cv2

from ray_tasks.pictures.admit import admit
from ray_tasks.pictures.cutout import ClassicalCutOut
from ray_tasks.pictures.open_image import ImageRejected, open_image
from ray_tasks.pictures.photo import measure_photo
from tests.benchmarks.labelled import DATA, told_of_pictures

CLASS_OF_REASON = {
    "background_not_uniform": "lifestyle",
    "background_textured": "lifestyle",
    "person_or_hand": "person",
    "touches_border": "cut_by_border",
    "image_too_small": "too_small",
    "too_small_in_frame": "too_small",
    "photo_too_small": "too_small",
}


def half(file: str) -> str:
    """tuning or held out, by a hash of the file's name."""
    return "held out" if hashlib.sha256(file.encode()).digest()[0] % 2 else "tuning"


def treated(path: Path) -> tuple[str, str]:
    """(treatment: cutout, framed or refused; the first reason or "")."""
    cv2.setNumThreads(1)
    try:
        image = open_image(path.read_bytes())
    except ImageRejected as error:
        return "refused", error.reason
    cut = ClassicalCutOut().cut(image.rgb, image.alpha)
    admission = admit(cut.reason, cut.detail, measure_photo(image.rgb, None))
    return admission.treatment or "refused", admission.reasons[0] if admission.reasons else ""


def main() -> None:
    """Prints the tables."""
    found = told_of_pictures(treated, "picture_labels.csv", __doc__)
    print(
        "| label | pictures | cut out | framed | refused | reasons against a cut-out |\n|---|---|---|---|---|---|"
    )
    for label in dict.fromkeys(sorted(row["label"] for row, _ in found)):
        mine = [result for row, result in found if row["label"] == label]
        counts = Counter(treatment for treatment, _ in mine)
        reasons = Counter(reason for _, reason in mine if reason).most_common()
        told = ", ".join(f"{reason} {count}" for reason, count in reasons)
        print(
            f"| {label} | {len(mine)} | {counts['cutout']} | {counts['framed']} | {counts['refused']} | {told} |"
        )
    print("\n| class | half | precision | recall | pictures |\n|---|---|---|---|---|")
    for name in ("usable", *dict.fromkeys(CLASS_OF_REASON.values()), "wrong_object"):
        for part in ("tuning", "held out"):
            chosen = [
                (row["label"], "usable" if treatment == "cutout" else CLASS_OF_REASON.get(reason, "unsure"))
                for row, (treatment, reason) in found
                if half(row["file"]) == part
            ]
            hits = sum(label == said == name for label, said in chosen)
            said_so, are_so = (
                sum(said == name for _, said in chosen),
                sum(label == name for label, _ in chosen),
            )
            precision = f"{hits / said_so:.2f} ({hits} of {said_so})" if said_so else "never said"
            recall = f"{hits / are_so:.2f}" if are_so else "none"
            print(f"| {name} | {part} | {precision} | {recall} | {are_so} |")
    _print_faults({(row["shop"], row["file"]): treatment for row, (treatment, _) in found})


def _print_faults(treatments: dict[tuple[str, str], str]) -> None:
    """Prints what was seen wrong with cut-outs, and which of them are refused."""
    with (DATA / "cutout_fault_labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = [("none", ""), ("any", "looked for")]
    kinds += [(fault, "glance") for fault in ("ground", "bite", "shadow", "things")]
    print("\n| fault | seen at | half | cut-outs | refused |\n|---|---|---|---|---|")
    for part in ("tuning", "held out"):
        mine = [row for row in rows if half(row["file"]) == part]
        refused = [row for row in mine if treatments[row["shop"], row["file"]] != "cutout"]
        for fault, seen in kinds:
            counts = [
                sum(row["seen"] == seen and fault in (row["fault"], "any") for row in some)
                for some in (mine, refused)
            ]
            print(f"| {fault} | {seen} | {part} | {counts[0]} | {counts[1]} |")
    print(
        "\n| half | refused, of which at a glance | or looked for | of all at a glance | left among accepted |"
    )
    print("|---|---|---|---|---|")
    for part in ("tuning", "held out"):
        mine = [row for row in rows if half(row["file"]) == part]
        refused = [row for row in mine if treatments[row["shop"], row["file"]] != "cutout"]
        at_glance, all_at_glance = (sum(row["seen"] == "glance" for row in some) for some in (refused, mine))
        any_fault = sum(row["fault"] != "none" for row in refused)
        print(
            f"| {part} | {at_glance / len(refused):.2f} ({at_glance} of {len(refused)}) "
            f"| {any_fault / len(refused):.2f} | {at_glance / all_at_glance:.2f} ({at_glance} of {all_at_glance}) "
            f"| {all_at_glance - at_glance} of {len(mine) - len(refused)} |"
        )


if __name__ == "__main__":
    main()
