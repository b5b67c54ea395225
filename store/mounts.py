"""Which mount a path lies on, from Linux's mount table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")

_NO_SHARED_MEMORY = frozenset(
    (
        # A virtual machine's host, and user space.
        *("9p", "drvfs", "fakeowner", "fuse", "grpcfuse", "osxfs", "prl_fs", "vboxsf", "virtiofs"),
        "vmhgfs",
        # A network.
        *("afs", "cifs", "coda", "davfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"),
        # A cluster.
        *("beegfs", "ceph", "cvfs", "dvs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ocfs2"),
        *("orangefs", "panfs", "pvfs2", "quobyte", "wekafs"),
    )
)
"""Where several processes damage a store."""
_LOCAL = frozenset(
    (
        *("apfs", "bcachefs", "btrfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk"),
        *("hfs", "hfsplus", "iso9660", "jfs", "minix", "msdos", "nilfs2", "ntfs", "ntfs3"),
        *("overlay", "ramfs", "reiserfs", "rootfs", "shiftfs", "squashfs", "tmpfs", "ubifs"),
        *("udf", "vfat", "xfs", "zfs", "aufs", "ecryptfs", "unionfs"),
    )
)
"""Where they do not."""


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

    @property
    def known_local(self) -> bool:
        """Whether it is a file system of a disk of this machine, of those that are known."""
        return self.filesystem in _LOCAL


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
