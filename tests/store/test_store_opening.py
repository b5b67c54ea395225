"""Opening a store: where it may lie, and what the user is told when it may not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Result, Store, StoreError, default_path
from store.mounts import mount_of

ROOT = Path(__file__).parents[2]


def error_of(path: Path, **arguments: object) -> str:
    with pytest.raises(StoreError) as caught:
        Store.open(path, **arguments)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_settings_of_a_connection(store: Store) -> None:
    def pragma(name: str) -> object:
        return store._database.rows(f"PRAGMA {name}")[0][0]

    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1
    assert pragma("synchronous") == 1
    assert pragma("busy_timeout") == 30_000


def test_default_path(tmp_path: Path) -> None:
    assert default_path(environ={}) == Path("results/asrprof.db")
    assert default_path(environ={"ASRPROF_STORE": ""}) == Path("results/asrprof.db")
    assert default_path(environ={"ASRPROF_STORE": "/a/b.db"}) == Path("/a/b.db")
    assert default_path(tmp_path, environ={"ASRPROF_STORE": "/a/b.db"}) == tmp_path
    assert default_path("~/x.db").is_absolute()


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "hash#1.db", "ü.db"])
def test_names_with_odd_characters(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / "new" / name) as store:
        store.add_benchmark("a", "{}")
        assert store.leaderboard(where="1") == []
    assert (tmp_path / "new" / name).is_file()


def test_relative_path_survives_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open("asrprof.db") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        store.add_benchmark("a", "{}")
        assert store.leaderboard(where="1") == []


def test_closing_twice(store_path: Path) -> None:
    store = Store.open(store_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.jobs()


def test_folder(tmp_path: Path) -> None:
    assert "a folder, not a file" in error_of(tmp_path)


def test_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot create or enter its folder" in error_of(tmp_path / "file" / "asrprof.db")
    assert "its folder" in error_of(tmp_path / "file" / "deeper" / "asrprof.db")


def test_device() -> None:
    assert "not a regular file" in error_of(Path("/dev/null"))


def test_circular_link(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(link)
    assert "not a usable path" in error_of(link)


def test_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing that SQLite knows\n" * 100)
    assert "not a SQLite database" in error_of(path)
    assert "not a SQLite database" in error_of(path, readonly=True)
    assert path.read_text().startswith("nothing")


def test_damaged_database(store: Store, store_path: Path, job_id: int, full: Result) -> None:
    store.write_result(job_id, full)
    store.close()
    content = bytearray(store_path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    store_path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), Store.open(store_path) as damaged:
        damaged.jobs()


def test_reading_needs_a_store(tmp_path: Path) -> None:
    assert "no such store" in error_of(tmp_path / "new" / "asrprof.db", readonly=True)
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty.db").touch()
    assert "no results in it yet" in error_of(tmp_path / "empty.db", readonly=True)
    Store.open(tmp_path / "empty.db").close()
    Store.open(tmp_path / "empty.db", readonly=True).close()


@pytest.mark.usefixtures("store")
def test_reader_does_not_write(store_path: Path) -> None:
    with Store.open(store_path, readonly=True) as reader:
        with pytest.raises(StoreError, match="opened read-only"):
            reader.add_benchmark("a", "{}")
        with pytest.raises(StoreError, match="cannot be written"):
            reader._database.rows("DELETE FROM jobs")


@pytest.mark.usefixtures("store")
def test_locked(store_path: Path) -> None:
    other = sqlite3.connect(store_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(store_path, busy_timeout_s=0.05) as hasty:
        with pytest.raises(StoreError, match="another process kept the file locked"):
            hasty.add_benchmark("a", "{}")
        other.execute("ROLLBACK")
        hasty.add_benchmark("a", "{}")
    other.close()


def test_new_store_waits_for_a_reader(store_path: Path) -> None:
    store_path.parent.mkdir()
    other = sqlite3.connect(store_path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN")
    other.execute("SELECT * FROM sqlite_schema").fetchall()
    with pytest.raises(StoreError, match="another process kept the file locked"):
        Store.open(store_path, busy_timeout_s=0.05)
    release = threading.Timer(0.2, other.rollback)
    release.start()
    Store.open(store_path).close()
    release.join()
    other.close()


@pytest.mark.parametrize("gone", ["removed", "replaced"])
def test_file_taken_away_while_in_use(store: Store, store_path: Path, gone: str) -> None:
    store_path.unlink()
    if gone == "replaced":
        store_path.touch()
    with pytest.raises(StoreError, match="removed or replaced while in use"):
        store.add_benchmark("a", "{}")


READ_ONLY_SCRIPT = """
import os, sys
from store import Store, StoreError
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for path in sys.argv[1:]:
    for readonly in (False, True):
        try:
            with Store.open(path, readonly=readonly) as store:
                print(len(store.benchmarks()), "read")
        except StoreError as error:
            print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can enter, which pytest's own is not when root runs it."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_permissions(open_folder: Path) -> None:
    for name in ("file", "folder", "secret"):
        (open_folder / name).mkdir()
        with Store.open(open_folder / name / "asrprof.db") as store:
            store.add_benchmark("a", "{}")
    (open_folder / "file" / "asrprof.db").chmod(0o444)
    (open_folder / "file").chmod(0o777)
    (open_folder / "folder" / "asrprof.db").chmod(0o666)
    (open_folder / "folder").chmod(0o555)
    (open_folder / "secret" / "asrprof.db").chmod(0)
    (open_folder / "secret").chmod(0o777)
    paths = [open_folder / name / "asrprof.db" for name in ("file", "folder", "secret")]
    paths.append(open_folder / "folder" / "new" / "asrprof.db")
    output = subprocess.run(
        [sys.executable, "-c", READ_ONLY_SCRIPT, *map(str, paths)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = output.stdout.splitlines()
    (open_folder / "folder").chmod(0o755)
    file_rw, file_ro, folder_rw, folder_ro, secret_rw, secret_ro, new_rw, new_ro = lines
    assert "the file cannot be written" in file_rw
    assert file_ro == "1 read"
    assert "its folder cannot be written" in folder_rw
    assert "copy the file to a folder that can" in folder_ro
    assert "no permission to read it" in secret_rw
    assert "no permission to read it" in secret_ro
    assert "Permission denied" in new_rw
    assert "no such store" in new_ro


MOUNTINFO = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / {home} rw,relatime shared:2 master:1 - {filesystem} server:/home rw
31 30 8:1 / {home}/local\\040disk rw - xfs /dev/sdb1 rw
32 22 0:41 / {home}/twice rw - ext4 /dev/sdc1 rw
33 22 0:42 / {home}/twice rw - 9p share rw
not a mount
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for name in ("local disk", "twice"):
        (home / name).mkdir(parents=True)
    return home


def table(tmp_path: Path, home: Path, filesystem: str) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTINFO.format(home=home, filesystem=filesystem))
    return path


@pytest.mark.parametrize(
    "filesystem",
    [
        *("nfs", "nfs4", "cifs", "9p", "virtiofs", "fuse", "fuse.sshfs", "lustre", "gpfs"),
        *("wekafs", "panfs", "pvfs2", "orangefs", "dvs", "fakeowner", "vmhgfs", "drvfs", "davfs"),
        *("ocfs2", "gfs2", "cvfs"),
    ],
)
def test_file_systems_without_shared_memory(tmp_path: Path, home: Path, filesystem: str) -> None:
    mounts = table(tmp_path, home, filesystem)
    message = error_of(home / "results" / "asrprof.db", mountinfo=mounts)
    assert f"lies on {filesystem} ({home})" in message
    assert "local disk" in message
    Store.open(home / "local disk" / "asrprof.db", mountinfo=mounts).close()


@pytest.mark.parametrize("filesystem", ["ext4", "btrfs", "overlay", "tmpfs", "xfs", "fuseblk"])
def test_local_file_systems(tmp_path: Path, home: Path, filesystem: str) -> None:
    Store.open(home / "asrprof.db", mountinfo=table(tmp_path, home, filesystem)).close()


def test_unknown_file_systems_are_told_from_local_ones(tmp_path: Path, home: Path) -> None:
    """A store opens there; a container spools instead, and doctor says so."""
    mounts = table(tmp_path, home, "hyperfs")
    Store.open(home / "asrprof.db", mountinfo=mounts).close()
    found = mount_of(home, mounts)
    assert found is not None
    assert (found.keeps_wal_safe, found.known_local) == (True, False)
    local = mount_of(home, table(tmp_path, home, "xfs"))
    assert local is not None
    assert local.known_local


def test_later_mount_hides_the_earlier(tmp_path: Path, home: Path) -> None:
    mounts = table(tmp_path, home, "ext4")
    assert "9p" in error_of(home / "twice" / "asrprof.db", mountinfo=mounts)


def test_link_to_a_network_folder(tmp_path: Path, home: Path) -> None:
    link = tmp_path / "results"
    link.symlink_to(home)
    assert "nfs4" in error_of(link / "asrprof.db", mountinfo=table(tmp_path, home, "nfs4"))


def test_file_mounted_by_itself(tmp_path: Path, home: Path) -> None:
    mounts = table(tmp_path, home, "ext4")
    path = home / "asrprof.db"
    path.touch()
    with mounts.open("a") as file:
        file.write(f"40 22 8:1 /x/asrprof.db {path} rw - ext4 /dev/sdb1 rw\n")
    assert "mount its folder instead" in error_of(path, mountinfo=mounts)


def test_no_mount_table(tmp_path: Path) -> None:
    assert mount_of(tmp_path, tmp_path / "missing") is None
    Store.open(tmp_path / "asrprof.db", mountinfo=tmp_path / "missing").close()


def test_similar_names_are_not_below_a_mount(tmp_path: Path, home: Path) -> None:
    found = mount_of(Path(f"{home}-2") / "x.db", table(tmp_path, home, "nfs"))
    assert found is not None
    assert found.filesystem == "ext4"
