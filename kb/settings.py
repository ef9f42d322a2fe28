"""The settings file `config.toml` in the platform's place for them. What the environment and the command line say is
stronger; an unknown key is an error, for it would silently do nothing."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from retrieval.errors import UsageError

Color = Literal["auto", "never"]
Keys = Literal["emacs", "vi"]
# The passages that a search or an answer may be asked for.
MOST_PASSAGES = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """None means kb's own choice."""

    kb: str | None = None
    model: str | None = None
    k: int | None = None
    color: Color | None = None
    keys: Keys | None = None


KEYS = {
    "kb": "the knowledge base's name or folder",
    "model": "the answering model: a name, a GGUF file or an endpoint's URL",
    "k": f"passages of an answer or a search, 1 to {MOST_PASSAGES}",
    "color": "auto or never",
    "keys": "emacs or vi: how a chat's line is edited",
}
_CHOICES = {"color": get_args(Color), "keys": get_args(Keys)}
_HEAD = "# Settings of kb. Options and the environment are stronger than these.\n"
assert tuple(KEYS) == tuple(field.name for field in fields(Settings))


def settings_file() -> Path:
    """Where the settings lie."""
    from platformdirs import user_config_path

    return user_config_path("kb", appauthor=False) / "config.toml"


@cache
def settings() -> Settings:
    """What the file says, read once a process. Raises UsageError when it says what it can't mean."""
    file = settings_file()
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the settings in {file} can't be read ({error}): mend or remove the file"
        ) from error
    return _checked(found, f"{file}: ")


def set_value(key: str, text: str) -> Path:
    """Writes one setting, keeping what else stands in the file; empty text takes it out. Returns the file. Raises
    UsageError for an unknown key or a value that it can't have."""
    import tomlkit

    known_key(key, "")
    settings()  # refuses to write into a file that can't be read
    value: str | int = int(text) if key == "k" and text.isdecimal() else text
    if text:
        _checked({key: value}, "")
    file = settings_file()
    known = _HEAD + "".join(f"# {name}: {says}\n" for name, says in KEYS.items())
    document = tomlkit.parse(file.read_text("utf-8") if file.exists() else known)
    document.pop(key, None)
    if text:
        document[key] = value
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
        partial.write_text(tomlkit.dumps(document), "utf-8")
        partial.replace(file)
    except OSError as error:
        raise UsageError(
            f"the settings in {file} can't be written ({error.strerror}): check its folder"
        ) from error
    settings.cache_clear()
    return file


def known_key(key: str, where: str) -> None:
    """Raises UsageError, with the nearest that there is, for an unknown key."""
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, 1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
        raise UsageError(f"{where}there is no setting {key}: {hint}")


def _checked(found: Mapping[str, Any], where: str) -> Settings:
    for key, value in found.items():
        known_key(key, where)
        if key == "k":
            good = type(value) is int and 1 <= value <= MOST_PASSAGES
        else:
            good = isinstance(value, str) and bool(value) and value in _CHOICES.get(key, (value,))
        if not good:
            raise UsageError(f"{where}{key} can't be {value!r}: it is {KEYS[key]}")
    return Settings(**found)
