"""What every part of a config is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
ModelName = Annotated[str, Field(min_length=1, max_length=300)]


class Strict(BaseModel):
    """Base of every config model: unknown keys are refused, docstrings become descriptions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
