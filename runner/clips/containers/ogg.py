"""Ogg: Vorbis, Opus, FLAC or Speex in pages that are numbered and say which one is the last."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.clips.containers.base import COPY_AGAIN, Damaged, Decoder, Stream

_BEGINS, _ENDS = 2, 4
_NO_POSITION = 0xFFFF_FFFF_FFFF_FFFF
_AUDIO = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")


@dataclass
class _Logical:
    """The pages of one serial number."""

    head: bytes
    pages: list[bytes] = field(default_factory=list)
    number: int = 0
    position: int = 0
    ended: bool = False

    def add(self, page: bytes) -> None:
        """Takes the next page.

        Raises:
            Damaged: one is missing before it.
        """
        number = int.from_bytes(page[18:22], "little")
        if self.pages and number != self.number + 1:
            raise Damaged(f"lacks its page {self.number + 1}; {COPY_AGAIN}")
        position = int.from_bytes(page[6:14], "little")
        if position != _NO_POSITION:
            self.position = position
        self.number = number
        self.ended = bool(page[5] & _ENDS)
        self.pages.append(page)


def read(data: bytes, start: int) -> tuple[Stream, int]:
    """The link of a chain of Ogg streams that begins at `start`, and the position behind it.

    Raises:
        Damaged: it is cut off, lacks a page, or holds no stream of audio or several at once.
    """
    logical: dict[bytes, _Logical] = {}
    position, headers = start, True
    while data.startswith(b"OggS", position):
        page = _page(data, position)
        begins = bool(page[5] & _BEGINS)
        if begins and not headers:
            break
        headers = begins
        if begins:
            logical[page[14:18]] = _Logical(page[27 + page[26] :])
        elif page[14:18] not in logical:
            raise Damaged(f"lacks the beginning of a stream; {COPY_AGAIN}")
        logical[page[14:18]].add(page)
        position += len(page)
    audio = [one for one in logical.values() if one.head.startswith(_AUDIO)]
    if len(audio) != 1:
        raise Damaged(
            f"holds {len(audio)} audio streams at once; convert the one that is meant to FLAC"
        )
    (one,) = audio
    if not one.ended:
        raise Damaged(
            f"is cut off: its last page is not marked as the end; {COPY_AGAIN}, or convert it to "
            "FLAC if nothing is missing"
        )
    rate, frames = _length(one)
    # libsndfile decodes neither FLAC nor Speex in Ogg from memory.
    known = one.head.startswith((b"\x01vorbis", b"OpusHead"))
    decoder: Decoder = "libsndfile" if known else "ffmpeg"
    return Stream(b"".join(one.pages), frames, rate, decoder=decoder), position


def _page(data: bytes, position: int) -> bytes:
    table = data[position + 27 : position + 27 + data[position + 26]]
    end = position + 27 + data[position + 26] + sum(table)
    if end > len(data):
        raise Damaged(f"is cut off inside a page; {COPY_AGAIN}")
    return data[position:end]


def _length(one: _Logical) -> tuple[int, int]:
    """Rate in Hz and samples per channel of a stream."""
    head = one.head
    if head.startswith(b"OpusHead"):
        return 48_000, one.position - int.from_bytes(head[10:12], "little")
    if head.startswith(b"\x7fFLAC"):
        return int.from_bytes(head[27:30], "big") >> 4, one.position
    place = 12 if head.startswith(b"\x01vorbis") else 36
    return int.from_bytes(head[place : place + 4], "little"), one.position
