"""Which mount a path lies on, from Linux's mount table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")

_NO_SHARED_MEMORY = frozenset(
    (
        *("9p", "fuse", "prl_fs", "vboxsf", "virtiofs"),  # a virtual machine's host, user space
        *("afs", "cifs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"),  # network
        *("beegfs", "ceph", "gpfs", "lustre"),  # clusters
    )
)


@dataclass(frozen=True)
class Mount:
    """One line of the mount table."""

    point: Path
    filesystem: str
    """For example ``ext4``, ``nfs4`` or ``fuse.sshfs``."""

    @property
    def keeps_wal_safe(self) -> bool:
        """Whether write-ahead logging can work here.

        It needs memory that every process using the file shares, which file systems of a network
        or of a virtual machine's host do not give (https://sqlite.org/wal.html): there it has
        been seen to corrupt the database.
        """
        kind = self.filesystem
        return kind not in _NO_SHARED_MEMORY and not kind.startswith("fuse.")


def mount_of(path: Path, mountinfo: Path = MOUNTINFO) -> Mount | None:
    """The mount that holds ``path``, which need not exist yet.

    Args:
        path: An absolute path without symbolic links.
        mountinfo: The mount table, in the format of proc_pid_mountinfo(5).

    Returns:
        None where there is no such table (macOS).
    """
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    holding = [mount for mount in map(_parse, lines) if mount and path.is_relative_to(mount.point)]
    # Of two mounts on one point the later hides the earlier, so the last of the deepest counts.
    return max(reversed(holding), key=lambda mount: len(mount.point.parts), default=None)


def _parse(line: str) -> Mount | None:
    before, separator, after = line.partition(" - ")
    words, kinds = before.split(" "), after.split(" ")
    if not separator or len(words) < 5:
        return None
    return Mount(point=Path(_unescape(words[4])), filesystem=kinds[0])


def _unescape(text: str) -> str:
    r"""The kernel writes a space as ``\040`` and so on."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)
