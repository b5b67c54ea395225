"""Tokenizers of the small models, built from the corpus: nothing is downloaded."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import ParakeetTokenizer, Wav2Vec2CTCTokenizer, WhisperTokenizer

from tools.training.corpus import sentence, vocabulary

WHISPER_SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
"""Published Whisper's special tokens in its order, with one language."""

WHISPER_PROMPT = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")
"""What the decoder is given before the first word."""


def _sentences(count: int = 5_000) -> list[str]:
    rng = random.Random(0)
    return [sentence(rng) for _ in range(count)]


def characters() -> list[str]:
    """Returns the letters of the vocabulary, sorted."""
    return sorted(set("".join(vocabulary())))


def parakeet_tokenizer(size: int = 40) -> ParakeetTokenizer:
    """Builds sub-word pieces with `▁` for a space; the blank, also padding, comes last.

    Args:
        size: Number of pieces without the blank.
    """
    tokenizer = Tokenizer(BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<unk>"],
        initial_alphabet=characters(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sentences(), trainer)
    tokenizer.add_special_tokens(["<pad>"])
    return ParakeetTokenizer(tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>")


def wav2vec2_tokenizer(folder: Path) -> Wav2Vec2CTCTokenizer:
    """Builds a character tokenizer; `<pad>` (the blank) is 0 and `|` separates words.

    Args:
        folder: Where `vocab.json` is written, since the class reads its vocabulary from a file.
    """
    ids = {token: index for index, token in enumerate(["<pad>", "<unk>", "|", *characters()])}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vocab.json"
    path.write_text(json.dumps(ids), encoding="utf-8")
    return Wav2Vec2CTCTokenizer(
        str(path), bos_token=None, eos_token=None, unk_token="<unk>", pad_token="<pad>"
    )


def whisper_tokenizer(size: int = 512) -> WhisperTokenizer:
    """Builds a byte-level tokenizer with Whisper's special tokens after the ordinary ones.

    Args:
        size: Largest number of ordinary tokens, 256 bytes among them.
    """
    trained = Tokenizer(BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator([f" {text}" for text in _sentences()], trainer)
    model = json.loads(trained.to_str())["model"]
    tokenizer = WhisperTokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        pad_token=WHISPER_SPECIALS[0],
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(WHISPER_SPECIALS)})
    tokenizer.set_prefix_tokens(language="english", task="transcribe", predict_timestamps=False)
    return tokenizer
