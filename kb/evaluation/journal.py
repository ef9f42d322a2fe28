"""The file that keeps what was measured, question by question, so that a stopped run goes on where it was."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from kb.evaluation.results import Result
from retrieval.errors import UsageError


class Journal:
    """A file with a line that says what is measured how (`about`), and a line a result. Use as a context manager."""

    def __init__(self, file: Path, about: Mapping[str, Any]) -> None:
        """Opens the file, or makes it. Raises UsageError, and leaves the file alone, when it is of something else."""
        try:
            before = file.read_bytes() if file.exists() else b""
            whole = before[: before.rfind(b"\n") + 1]  # a killed run may have written a part of a line
            self.results = _kept(file, whole, about) if before else {}
            self._file = file.open("ab")
        except OSError as error:
            raise UsageError(
                f"{file} can't be used to keep what is measured: {error.strerror or error}"
            ) from None
        self._file.truncate(len(whole))
        if not whole:
            self._write(about)

    def add(self, result: Result) -> None:
        """Keeps a result; a program that is killed after this has not lost it."""
        self.results[result.id] = result
        self._write(result.to_json())

    def _write(self, value: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(value).encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _kept(file: Path, lines: bytes, about: Mapping[str, Any]) -> dict[str, Result]:
    """The results in the lines of a file, by id."""
    try:
        first, *rest = (json.loads(line) for line in lines.splitlines())
        if not isinstance(first, dict) or first.keys() != about.keys():
            raise ValueError
        if first == about:
            return {result.id: result for result in map(Result.from_json, rest)}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{file} is not what an earlier run has kept: name another file") from None
    other = ", ".join(name for name in about if first[name] != about[name])
    raise UsageError(f"{file} was begun with something else ({other}): name another file, or remove it")
