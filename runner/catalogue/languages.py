"""Languages that published models support, by the codes that the models themselves use."""

from __future__ import annotations

ENGLISH = ("en",)

_WHISPER = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta "
    "no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk "
    "sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb "
    "my bo tl mg as tt haw ln ha ba jw su "
)

WHISPER = tuple(_WHISPER.split())
"""The multilingual Whispers, in the order of their tokens."""

WHISPER_V3 = (*WHISPER, "yue")
"""large-v3 and large-v3-turbo: Cantonese too."""

_QWEN3_ASR = (
    "zh en yue ar de fr es pt id it ko ru th vi ja tr hi ms nl sv da fi pl cs fil fa el hu mk ro"
)

QWEN3_ASR = tuple(_QWEN3_ASR.split())
"""Qwen3-ASR, by its model card; dialects of Chinese are not told apart."""

VOXTRAL = ("en", "es", "fr", "pt", "hi", "de", "nl", "it")
"""Voxtral, by its model card."""

GRANITE_SPEECH = ("en", "fr", "de", "es", "pt")
"""Granite speech 3.3, revision 3.3.2, by its model card."""

KYUTAI_1B = ("en", "fr")
"""kyutai/stt-1b-en_fr, by its model card."""

_VOXTRAL_REALTIME = "en fr es de ru zh ja it pt nl ar hi ko"

VOXTRAL_REALTIME = tuple(_VOXTRAL_REALTIME.split())
"""Voxtral realtime, by its model card."""

_COHERE_ASR = "en fr de es it pt nl pl el ar ja zh vi ko"

COHERE_ASR = tuple(_COHERE_ASR.split())
"""Cohere Transcribe 03-2026, by its model card."""

_EUROPEAN = "bg hr cs da nl en et fi fr de el hu it lv lt mt pl pt ro ru sk sl es sv uk"

PARAKEET_V3 = tuple(_EUROPEAN.split())
"""nvidia/parakeet-tdt-0.6b-v3, by its model card."""

CANARY_V2 = PARAKEET_V3
"""nvidia/canary-1b-v2, by its model card."""
