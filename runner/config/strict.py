"""What every part of a config is made of."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from textwrap import dedent
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler

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

    # Not `use_attribute_docstrings`: it reads and parses every class's source at each import.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The JSON Schema, with what the fields mean."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)["properties"]
        for name, words in meanings(cls).items():
            if name in properties:
                properties[name]["description"] = words
        return schema


@cache
def meanings(model: type[BaseModel]) -> dict[str, str]:
    """What the fields of a model mean, by name: the docstring below each, of base classes too."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, Strict) or kind is Strict:
            continue
        (body,) = ast.parse(dedent(inspect.getsource(kind))).body
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[field.target.id] = inspect.cleandoc(below.value.value)
    return found
