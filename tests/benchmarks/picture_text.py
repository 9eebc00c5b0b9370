"""Text found in the three real shops' pictures against labels made by eye: precision and recall of the tag.

    python -m tests.benchmarks.picture_text --data ../shared/data [--processes 2]

Labels are in tests/data/picture_text_labels.csv: 132 of the 374 pictures, drawn by a hash of their names and labelled
before anything was read. `words`: letters or digits that a person reads without leaning in, and the main ones as they
are printed, misspelt or not; `marks`: lettering too small, worn or garbled to be read; `none`.
"""

from __future__ import annotations

from pathlib import Path

import cv2

from ray_tasks.build_product_views import LEAST_READING, plain_line
from ray_tasks.pictures.ocr import read_text
from ray_tasks.pictures.open_image import open_image
from tests.benchmarks.labelled import told_of_pictures


def lines_found(path: Path) -> list[str]:
    """What the night would keep as `text_found`."""
    cv2.setNumThreads(1)
    read = read_text(open_image(path.read_bytes()).rgb)
    return [line for text, _, score in read if score >= LEAST_READING and (line := plain_line(text))]


def main() -> None:
    """Prints the tables."""
    found = told_of_pictures(lines_found, "picture_text_labels.csv", __doc__)
    print("| label | pictures | text found |\n|---|---|---|")
    for label in ("words", "marks", "none"):
        mine = [lines for row, lines in found if row["text"] == label]
        print(f"| {label} | {len(mine)} | {sum(map(bool, mine))} |")
    said = [row["text"] for row, lines in found if lines]
    with_words = [(row, lines) for row, lines in found if row["text"] == "words"]
    hits = sum(bool(lines) for _, lines in with_words)
    right = sum(label != "none" for label in said)
    print(f"\nPrecision {right / len(said):.2f} ({right} of {len(said)} with any lettering), ", end="")
    print(f"recall of words {hits / len(with_words):.2f} ({hits} of {len(with_words)}).")
    # Spaces come and go in what is read.
    words = [
        (word.upper(), "".join(lines).replace(" ", "").upper())
        for row, lines in with_words
        for word in row["words"].split()
    ]
    read = sum(word in text for word, text in words)
    print(f"Main words read as they are printed: {read / len(words):.2f} ({read} of {len(words)}).\n")
    for row, lines in found:
        if lines or row["text"] == "words":
            print(f"{row['text']:5} {row['shop']}/{row['file']}: [{row['words']}] {' | '.join(lines)}")


if __name__ == "__main__":
    main()
