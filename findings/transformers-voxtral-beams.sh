#!/bin/sh
# transformers 5.23.0: generate() of a Voxtral with beams hears a clip of more than one window of
# 30 s in a wrong order. A clip's windows are rows of input_features, and each row is repeated by
# itself for the beams: the windows A B become A A B B, and the first hypothesis is given A A, the
# second B B. With one window for a clip, or with one beam, all is right.
#
# Seen, for one clip of two windows and two hypotheses of six tokens: the encoder is given A A B B,
# and the text is another than that of a search by hand over the prompt with A B. With the audio
# embedded beforehand and handed over as inputs_embeds it is that text.
#
# A model of two layers with random weights on windows of one second; nothing else is downloaded.
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install torch==2.13.0 \
    transformers==5.23.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON' 2>/dev/null
import torch
from transformers import VoxtralConfig, VoxtralForConditionalGeneration

AUDIO, BEAMS, TOKENS = 24, 2, 6
encoder = {
    "model_type": "voxtral_encoder", "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 64, "num_mel_bins": 16,
    "max_source_positions": 50, "initializer_range": 0.3,
}
text = {
    "model_type": "llama", "vocab_size": 100, "hidden_size": 48, "intermediate_size": 96,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "initializer_range": 0.3, "eos_token_id": None,
}
torch.manual_seed(0)
config = VoxtralConfig(audio_config=encoder, text_config=text, audio_token_id=AUDIO)
model = VoxtralForConditionalGeneration(config).eval()
features = torch.randn(2, 16, 100)  # One clip: its windows A and B.
prompt = torch.tensor([[1, 3, 25, *[AUDIO] * 50, 4, 34]])
mask = torch.ones_like(prompt)

given = []


def look(module, arguments, keywords):
    rows = arguments[0] if arguments else keywords["input_features"]
    given.append(["AB"[int(torch.equal(row, features[1]))] for row in rows])


handle = model.model.audio_tower.register_forward_pre_hook(look, with_kwargs=True)
settings = {"max_new_tokens": TOKENS, "num_beams": BEAMS, "do_sample": False, "pad_token_id": 11}
usual = model.generate(
    input_ids=prompt, attention_mask=mask, input_features=features, **settings
)[0, prompt.shape[1] :]
handle.remove()

with torch.no_grad():
    embedded = model.get_input_embeddings()(prompt)
    embedded[prompt == AUDIO] = model.get_audio_features(features).pooler_output
beforehand = model.generate(inputs_embeds=embedded, attention_mask=mask, **settings)[0]

# The same search by hand, every step from the whole prompt in the right order.
beams = [(0.0, [])]
for _ in range(TOKENS):
    longer = []
    for score, ids in beams:
        with torch.no_grad():
            logits = model(
                input_ids=torch.cat([prompt[0], torch.tensor(ids, dtype=torch.long)])[None],
                input_features=features,
            ).logits[0, -1]
        best = logits.log_softmax(-1).topk(BEAMS)
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        longer += [(score + more, [*ids, token]) for more, token in pairs]
    beams = sorted(longer, reverse=True)[:BEAMS]
by_hand = beams[0][1]

print("windows of the two hypotheses, two each:", given[0])
print("with input_features:", usual.tolist())
print("with inputs_embeds: ", beforehand.tolist())
print("by hand:            ", by_hand)
so = given[0] == ["A", "A", "B", "B"] and usual.tolist() != by_hand == beforehand.tolist()
raise SystemExit(not so)
PYTHON
