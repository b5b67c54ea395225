"""Codes of languages, as models know them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

DETECT = "detect"
"""What stands for a code where each window's language is to be found out."""

_CODE = re.compile(r"[a-z]{2,3}")


def _check_code(code: str) -> str:
    if _CODE.fullmatch(code) is None:
        raise ValueError(f'"{code}" is no language code; write it as "de" or "haw" (ISO 639)')
    return code


def _check_model_language(code: str) -> str:
    return code if code == DETECT else _check_code(code)


DataLanguage = Annotated[str, AfterValidator(_check_code)]
ModelLanguage = Annotated[str, AfterValidator(_check_model_language)]
