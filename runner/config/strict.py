"""What every part of a config is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
ModelName = Annotated[str, Field(min_length=1, max_length=300)]


NAME = r"^[A-Za-z0-9][\w.+-]*$"
VARIANT_NAME = r"^\w[\w.+ -]*$"
REVISION = r"^[^\s|-][^\s|]*$"

PATTERNS = {
    NAME: "should be letters, digits and _ . + - without spaces, a letter or digit first",
    VARIANT_NAME: "should be letters, digits, spaces and _ . + -, a letter or digit first",
    REVISION: "should be a branch, tag or commit: no spaces, no |, and no - first",
}
"""The rules of names in words: a regular expression tells few people what to write."""


class Strict(BaseModel):
    """Base of every config model: unknown keys are refused, docstrings become descriptions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
