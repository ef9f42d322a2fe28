"""What `.gitignore` and `.kbignore` files leave out, by git's rules: the last line that matches decides, a deeper
file comes before one above it, `!` takes back, and what lies in an ignored folder can't be taken back.
"""

import errno
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from ingest.document import PartFailure

# The stronger one first: what a line of any `.kbignore` decides, no `.gitignore` changes.
FILES = (".kbignore", ".gitignore")
# Of real ignore files the largest (lists of templates for all languages) have some 100 KB.
_MAX_BYTES = 2**20
# A pattern becomes a regular expression whose time grows with a power of its wildcards.
_MAX_WILDCARDS = 6


@dataclass(frozen=True, slots=True)
class _Spec:
    folder: Path
    spec: GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold in a folder: for each of `FILES` those read so far, the deepest first."""

    specs: tuple[tuple[_Spec, ...], ...] = ((), ())

    def within(self, folder: Path) -> tuple["Rules", list[PartFailure]]:
        """The rules that hold in `folder`, and its lines that are none. Raises OSError for a file of rules that can't
        be read: without it nobody knows what in the folder is to stay out."""
        failures: list[PartFailure] = []
        specs = tuple(
            _read(folder, name, failures) + above for name, above in zip(FILES, self.specs, strict=True)
        )
        return (Rules(specs) if specs != self.specs else self), failures

    def ignore(self, path: Path, *, is_folder: bool) -> bool:
        """Whether `path`, whose own folder is not ignored, is left out."""
        for kind in self.specs:
            for rule in kind:
                name = path.relative_to(rule.folder).as_posix() + ("/" if is_folder else "")
                decided = rule.spec.check_file(name).include
                if decided is not None:
                    return decided
        return False


def _read(folder: Path, name: str, failures: list[PartFailure]) -> tuple[_Spec, ...]:
    path = folder / name
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ()
    if not stat.S_ISREG(status.st_mode):  # as git does: a link may lead anywhere, and a pipe never ends
        return ()
    if status.st_size > _MAX_BYTES:
        raise OSError(errno.EFBIG, f"its {name} is larger than {_MAX_BYTES >> 20} MiB")
    patterns: list[str] = []
    # Names that are not UTF-8 come from the system with surrogates, too.
    for number, line in enumerate(path.read_text("utf-8-sig", "surrogateescape").splitlines(), 1):
        if not line.startswith("#") and _is_pattern(line):
            patterns.append(line)
        elif line.strip() and not line.startswith("#"):
            failures.append(
                PartFailure(str(path), f"line {number} is no pattern that kb understands; it is not applied")
            )
    return (_Spec(folder, GitIgnoreSpec.from_lines(patterns)),) if patterns else ()


def _is_pattern(line: str) -> bool:
    if not line.strip() or len(re.findall(r"\*+", line)) > _MAX_WILDCARDS:
        return False
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True
