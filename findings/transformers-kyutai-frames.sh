#!/bin/sh
# transformers 5.23.0: generate() of a Kyutai STT with "audio_window_size": 1, as the published
# checkpoints have it, has its streaming codec hear the first frame of 80 ms twice in a row. What
# follows is heard a frame late, after a first frame that the audio does not have, so other tokens
# come out of the codec than of the same audio in one piece (or frame by frame in order), and other
# text. With "audio_window_size": null, which should change how often is encoded and nothing else,
# the tokens are those of the audio.
# With "use_cache": false and a window of 1 the decoder, which then reads the whole stream at each
# step, is given the tokens of one frame for all earlier ones; there is no error or warning.
#
# Seen, for a clip of 6 frames: the codec is given frames 0 0 1 2 3; its tokens, joined, are those of
# a stream of frames 0 0 1 2 3 and not of 0 1 2 3 4; without a cache the sixth step reads for its
# five frames the tokens e e e e e, with a cache it has read a b c d e.
#
# A model of one layer with random weights; nothing else is downloaded.
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0 \
    transformers==5.23.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON' 2>/dev/null
import torch
from transformers import KyutaiSpeechToTextConfig, KyutaiSpeechToTextForConditionalGeneration

FRAMES, SIZE = 6, 1920
codec = {
    "model_type": "mimi", "num_filters": 4, "hidden_size": 32, "codebook_dim": 16,
    "codebook_size": 64, "vector_quantization_hidden_dimension": 16, "num_quantizers": 4,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16,
    "intermediate_size": 64, "upsample_groups": 32, "initializer_range": 0.3,
}
torch.manual_seed(0)
config = KyutaiSpeechToTextConfig(
    codebook_vocab_size=65, vocab_size=41, hidden_size=32, num_hidden_layers=1,
    num_attention_heads=2, ffn_dim=64, num_codebooks=4, audio_bos_token_id=64,
    audio_pad_token_id=41 + 4 * 65, pad_token_id=3, bos_token_id=40, initializer_range=0.3,
    codec_config=codec,
)
model = KyutaiSpeechToTextForConditionalGeneration(config).eval()
for name, values in model.codec_model.named_buffers():
    if name.endswith("embed_sum"):
        values.normal_()
model.codec_model.generation_config.use_cache = True
audio = 0.1 * torch.randn(1, 1, FRAMES * SIZE)
frames = audio.split(SIZE, dim=-1)
own = model.codec_model.encode


def streamed(order):
    """Tokens of frames in some order, (frames, codebooks)."""
    keys = edges = None
    made = []
    for number in order:
        with torch.no_grad():
            output = own(
                frames[number], encoder_past_key_values=keys, padding_cache=edges,
                use_streaming=True,
            )
        keys, edges = output.encoder_past_key_values, output.padding_cache
        made.append(output.audio_codes[0].T)
    return torch.cat(made)


def generate(window, use_cache=True):
    """Frames that the codec is given, its tokens, and what each pass of the decoder reads."""
    given, made, read = [], [], []

    def encode(values, **keywords):
        given.extend(
            next(n for n, frame in enumerate(frames) if torch.equal(part, frame))
            for part in values.split(SIZE, dim=-1)
        )
        output = own(values, **keywords)
        made.append(output.audio_codes[0].T)
        return output

    def look(module, arguments, keywords):
        read.append(keywords["input_ids"][0, :, 1:])

    model.codec_model.encode = encode
    handle = model.model.register_forward_pre_hook(look, with_kwargs=True)
    model.generation_config.audio_window_size = window
    model.generate(input_values=audio, do_sample=False, use_cache=use_cache)
    handle.remove()
    return given, torch.cat(made), read


given, made, read = generate(1)
whole = own(audio).audio_codes[0].T
twice, in_order = streamed([0, 0, 1, 2, 3]), streamed([0, 1, 2, 3, 4])
given_whole, made_whole, _ = generate(None)
_, _, uncached = generate(1, use_cache=False)
cached_reads = torch.cat(read)[1:]
last = uncached[-1][1:]

print("frames that the codec is given, window 1:", given)
print("tokens are those of 0 0 1 2 3:", torch.equal(made, twice))
print("tokens are those of 0 1 2 3 4:", torch.equal(made, in_order))
print("frame by frame in order they are those in one piece:", torch.equal(in_order, whole[:5]))
print("frames, no window:", given_whole, "as in one piece:", torch.equal(made_whole, whole))
print("read by the last pass without a cache, frame by frame:", last[:, 0].tolist())
print("read by the passes with a cache:                      ", cached_reads[:, 0].tolist())
so = (
    given == [0, 0, 1, 2, 3]
    and torch.equal(made, twice)
    and not torch.equal(made, in_order)
    and torch.equal(in_order, whole[:5])
    and torch.equal(made_whole, whole)
    and torch.equal(last, cached_reads[-1:].expand_as(last))
    and not torch.equal(last, cached_reads)
)
raise SystemExit(not so)
PYTHON
