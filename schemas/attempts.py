"""What another attempt at a picture changes of the first."""

from __future__ import annotations

from schemas.instruction import LAYOUTS


def changes(variant: int) -> tuple[str, ...]:
    """What a variant changes of the first attempt: 1 the layout, 2 the setting, 3 both, and so on in turns."""
    return () if variant == 0 else (("layout", "setting"), ("layout",), ("setting",))[variant % 3]


def times_before(what: str, variant: int) -> int:
    """How many variants before this one changed it too."""
    return sum(what in changes(number) for number in range(1, variant))


def layout_of(layout: str, variant: int) -> str:
    """The layout of a variant whose first attempt has that one: the text on another side."""
    if "layout" not in changes(variant):
        return layout
    nth = times_before("layout", variant)
    return LAYOUTS[(LAYOUTS.index(layout) + 1 + nth % (len(LAYOUTS) - 1)) % len(LAYOUTS)]
