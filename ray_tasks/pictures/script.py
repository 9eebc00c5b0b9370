"""How the script of a locale is set: direction, size, leading."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """How a locale's script is set."""

    name: str
    right_to_left: bool = False
    size: float = 1.0
    """Factor on sizes given for Latin: so that scripts look equally large side by side."""
    extra_leading: float = 0.0
    """Added to a leading given for Latin: Arabic carries marks above and below, Han fills its whole square."""
    tracked: bool = True
    """Whether letters may be spaced: it breaks the joins of Arabic and loosens the square of Han."""


_SCRIPTS = {
    "zh": Script("han", size=0.94, extra_leading=0.16, tracked=False),
    "ja": Script("han", size=0.94, extra_leading=0.16, tracked=False),
    "ar": Script("arabic", right_to_left=True, size=1.02, extra_leading=0.24, tracked=False),
}
_LATIN_SCRIPT = Script("latin")


def script_of(locale: str) -> Script:
    """The script of a locale; Latin (with Greek and Cyrillic) unless told otherwise."""
    return _SCRIPTS.get(locale.split("-")[0].lower(), _LATIN_SCRIPT)
