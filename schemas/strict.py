"""What all tables of a configuration file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]


class Strict(BaseModel):
    """A table in which an unknown key is an error, and which does not change once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
