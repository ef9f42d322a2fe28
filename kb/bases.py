"""Which knowledge base is meant: by its folder, by its name, or by where one stands."""

import os
import re
from pathlib import Path

from retrieval.errors import UsageError
from retrieval.store import DATABASE

# What a knowledge base of a folder is called; it lies in that folder, as `.git` does.
HERE = ".kb"
_NAME = re.compile(r"\w[\w.-]{0,63}")


def find(given: Path | None) -> Path | None:
    """The folder of the knowledge base that is meant. A `given` name that is no folder here is a named knowledge base
    when there is one, else the folder to be. Without any: KB_HOME, a `.kb` in this folder or one above, or the one
    that the settings name; None when there is none of these, for the default."""
    from kb.settings import settings

    if given is not None:
        return _by_name(given)
    if os.environ.get("KB_HOME"):
        return Path(os.environ["KB_HOME"])
    configured = settings().kb
    return nearest(Path.cwd()) or (_by_name(Path(configured).expanduser()) if configured else None)


def default_folder() -> Path:
    """Where the knowledge base lies unless one is named: KB_HOME, else the platform's place for user data."""
    from platformdirs import user_data_path

    return Path(os.environ["KB_HOME"]) if os.environ.get("KB_HOME") else user_data_path("kb", appauthor=False)


def nearest(folder: Path) -> Path | None:
    """The `.kb` in a folder or the nearest above it. One that belongs to somebody else is none of ours."""
    for place in (folder, *folder.parents):
        base = place / HERE
        try:
            if (base / DATABASE).is_file() and base.stat().st_uid == os.getuid():
                return base
        except OSError:  # a folder that can't be looked into
            continue
    return None


def named_folder(name: str) -> Path:
    """Where the knowledge base with that name lies. Raises UsageError for what can be no name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't be a knowledge base's name: use letters, digits, '.', '_' and '-'")
    return bases_folder() / name


def bases_folder() -> Path:
    """Where the named knowledge bases lie."""
    from platformdirs import user_data_path

    return user_data_path("kb", appauthor=False) / "bases"


def named() -> list[str]:
    """The names of those that are there."""
    return sorted(file.parent.name for file in bases_folder().glob(f"*/{DATABASE}"))


def _by_name(given: Path) -> Path:
    if given.exists() or not _NAME.fullmatch(str(given)):
        return given
    folder = named_folder(str(given))
    return folder if (folder / DATABASE).is_file() else given
