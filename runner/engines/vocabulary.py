"""Tokenizers for random weights: the published vocabulary size, so the text stage does its work.

With random weights the text means nothing, so the words behind the ids do not matter; their
number and the decoding code path do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WAV2VEC2_CHARACTERS = "ETAONIHSRDLUMWCFGYPBVK'XJQZ"
"""Order of the published character vocabulary of the 960 h models (after pad, s, /s, unk, |)."""


def character_tokenizer() -> Any:
    """A ``Wav2Vec2CTCTokenizer`` over the 32 characters of the published 960 h models."""
    import json
    import tempfile
    from pathlib import Path

    from transformers import Wav2Vec2CTCTokenizer

    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", *WAV2VEC2_CHARACTERS]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vocab.json"
        file.write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
        return Wav2Vec2CTCTokenizer(str(file))


def piece_tokenizer(
    size: int, *, special: int, blank: int | None = None, names: Mapping[int, str] | None = None
) -> Any:
    """A tokenizer of ``size`` ids whose pieces are placeholders.

    Args:
        size: Number of ids.
        special: Ids from here on are special tokens, left out of text.
        blank: Id of the CTC blank: makes it a CTC tokenizer (repeats grouped, blank dropped).
        names: Ids whose pieces have a name that something looks up.
    """
    from tokenizers import Tokenizer, decoders
    from tokenizers.models import WordLevel
    from transformers import ParakeetTokenizer, PreTrainedTokenizerFast

    pieces = [(names or {}).get(i, f"▁{i:x}") for i in range(size)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    core = Tokenizer(WordLevel(vocab=vocabulary, unk_token="▁0"))
    core.decoder = decoders.Metaspace()
    core.add_special_tokens(pieces[special:])
    if blank is not None:
        return ParakeetTokenizer(tokenizer_object=core, pad_token=f"▁{blank:x}")
    return PreTrainedTokenizerFast(tokenizer_object=core)
