"""Where the models lie, and how they get there: checked byte by byte, resumable, never torn.

A store is a folder: one folder per model with its files, and `complete.json`, written last, which says that every
file hashed to its pin. What is being fetched lies in `NAME.partial/` until then.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from kb.catalogue import CATALOGUE, Model, PinnedFile
from retrieval.errors import ModelError

Progress = Callable[[int, int], None]  # bytes done, bytes in all

_STAMP = "complete.json"
_HUB_PREFIX = "hf:"


def go_offline() -> None:
    """Tells the hub libraries never to open a connection. Call it before sentence_transformers is imported."""
    os.environ.update(
        HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
        TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false", DO_NOT_TRACK="1",
    )  # fmt: skip


def default_folder() -> Path:
    """KB_MODELS, else the platform's cache folder."""
    from platformdirs import user_cache_path

    return (
        Path(os.environ["KB_MODELS"])
        if os.environ.get("KB_MODELS")
        else user_cache_path("kb", False) / "models"
    )


class ModelStore:
    """The models on this machine."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def has(self, name: str) -> bool:
        """Whether the model is complete here (by size; `verify` hashes)."""
        model = CATALOGUE.get(name)
        here = self.folder / _folder_name(name)
        if not (here / _STAMP).is_file():
            return False
        sizes = {file.name: file.bytes for file in model.files} if model else _stamped_sizes(here)
        return bool(sizes) and all(_size(here / name) == size for name, size in sizes.items())

    def missing(self, names: Iterable[str]) -> list[Model]:
        """Those of the named models of the catalogue that are not here."""
        return [CATALOGUE[name] for name in names if name in CATALOGUE and not self.has(name)]

    def path(self, name: str) -> Path:
        """The embedder's folder, or the language model's GGUF file. Raises ModelError when it is unknown or not
        here, saying what to run."""
        model = self._known(name)
        if not self.has(name):
            raise ModelError(f"the model {name} is not on this machine yet: run: kb models pull {name}")
        here = self.folder / _folder_name(name)
        return here if model.role == "embedder" else here / model.files[0].name

    def resolve_llm(self, spec: str) -> Path:
        """The GGUF file for a catalogue name, a path, or `hf:org/repository/file.gguf` that was pulled."""
        if spec.startswith(_HUB_PREFIX):
            if not self.has(spec):
                raise ModelError(f"the model {spec} is not on this machine yet: run: kb models pull {spec}")
            return next(p for p in (self.folder / _folder_name(spec)).iterdir() if p.suffix == ".gguf")
        if spec not in CATALOGUE and (spec.endswith(".gguf") or os.sep in spec):
            if not Path(spec).is_file():
                raise ModelError(f"there is no model file {spec}: check the path")
            return Path(spec)
        if self._known(spec).role != "llm":
            raise ModelError(f"{spec} embeds text and can't answer: name one of {', '.join(_llms())}")
        return self.path(spec)

    def pull(self, name: str, on_progress: Progress | None = None) -> Path:
        """Fetches a model unless it is here, resuming what was begun. Returns its folder. Raises ModelError when no
        source gives the pinned bytes."""
        from filelock import FileLock

        from kb.fetch import fetch, fetch_from_hub

        final = self.folder / _folder_name(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f"{_folder_name(name)}.lock"):
                if self.has(name):
                    return final
                partial = self.folder / f"{_folder_name(name)}.partial"
                if name.startswith(_HUB_PREFIX):
                    fetch_from_hub(name.removeprefix(_HUB_PREFIX), partial)
                else:
                    fetch(self._known(name), partial, on_progress or (lambda done, total: None))
                _write_stamp(partial, name)
                if final.exists():  # an incomplete or damaged one: has() said no
                    shutil.rmtree(final)
                partial.replace(final)
        except OSError as error:
            raise ModelError(
                f"the model {name} can't be stored in {self.folder} ({error.strerror or error}): free some space, "
                "check the folder's permissions, or name another with KB_MODELS; then pull it again"
            ) from error
        return final

    def verify(self, name: str) -> list[str]:
        """Hashes the model's files; says what is wrong with them, nothing when all is well. Raises ModelError for a
        model that kb does not know."""
        here = self.folder / _folder_name(name)
        if name in CATALOGUE or not (here / _STAMP).is_file():
            pins: Sequence[PinnedFile] = self._known(name).files
        else:
            pins = [PinnedFile(**entry) for entry in _stamp(here).get("files", [])]
        problems = [] if pins else [f"{here / _STAMP} can't be read: fetch the model anew"]
        for pin in pins:
            try:
                found = file_sha256(here / pin.name)
            except OSError as error:
                problems.append(f"{here / pin.name} can't be read: {error.strerror}")
                continue
            if found != pin.sha256:
                problems.append(f"{here / pin.name} has SHA-256 {found}, should have {pin.sha256}")
        return problems

    def require_name(self, name: str) -> None:
        """Raises ModelError when `name` can't be the name of a model: its folder may then be anything."""
        if not name.startswith(_HUB_PREFIX):
            self._known(name)

    def remove(self, name: str) -> None:
        """Deletes a model's files. Raises ModelError for a model that kb does not know."""
        self.require_name(name)
        shutil.rmtree(self.folder / _folder_name(name), ignore_errors=True)

    def extra(self) -> list[str]:
        """The models here that are not in the catalogue (`hf:…`)."""
        stamps = sorted(self.folder.glob(f"*/{_STAMP}")) if self.folder.is_dir() else []
        names = [str(_stamp(stamp.parent).get("name", "")) for stamp in stamps]
        return [name for name in names if name.startswith(_HUB_PREFIX)]

    @staticmethod
    def _known(name: str) -> Model:
        if name not in CATALOGUE:
            raise ModelError(
                f"there is no model {name}: known are {', '.join(CATALOGUE)}; a GGUF file can be named by its path or "
                "as hf:org/repository/file.gguf"
            )
        return CATALOGUE[name]


def file_sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_stamp(folder: Path, name: str) -> None:
    files = [
        {"name": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.rglob("*")) if path.is_file() and path.name != _STAMP
    ]  # fmt: skip
    (folder / _STAMP).write_text(json.dumps({"name": name, "files": files}, indent=1))


def _stamped_sizes(folder: Path) -> dict[str, int]:
    return {entry["name"]: entry["bytes"] for entry in _stamp(folder).get("files", [])}


def _stamp(folder: Path) -> dict[str, Any]:
    """What the stamp says; nothing when it was torn, as by a power cut."""
    try:
        stamp = json.loads((folder / _STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _folder_name(name: str) -> str:
    """A folder name for a model name; hub names lose their slashes."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)


def _llms() -> list[str]:
    return [model.name for model in CATALOGUE.values() if model.role == "llm"]
