"""Which knowledge base a command means, and the settings behind it."""

import json
import os
from pathlib import Path

import pytest
from helpers import kb, kb_json

from kb.bases import HERE, nearest


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """A user with nothing yet."""
    return {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE")}


def folder_of(places: dict[str, str], *arguments: str, cwd: Path | None = None, **more: str) -> Path:
    done = kb(
        "status", *arguments, "--json", environment=places | more | {"PYTHONPATH": str(Path.cwd())}, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["folder"])


def test_a_name_is_a_knowledge_base_in_the_users_data(places: dict[str, str], tmp_path: Path) -> None:
    made = kb("init", "work", environment=places)
    assert made.returncode == 0 and "kb ingest PATH --kb work" in made.stdout
    assert folder_of(places, "--kb", "work") == tmp_path / "data" / "kb" / "bases" / "work"
    assert kb("list", "--bases", environment=places).stdout == "work\n"
    assert "there already" in kb("init", "work", environment=places).stdout


def test_a_folder_here_is_stronger_than_a_name(places: dict[str, str], tmp_path: Path) -> None:
    """What was made with --kb notes before must be found again."""
    here = tmp_path / "here"
    (here / "work").mkdir(parents=True)
    assert kb("init", "work", environment=places).returncode == 0
    environment = places | {"PYTHONPATH": str(Path.cwd())}
    assert kb("status", "--kb", "work", environment=environment, cwd=here).returncode == 3


def test_a_name_that_nobody_made_is_a_folder_here(places: dict[str, str], tmp_path: Path) -> None:
    """`kb ingest docs --kb notes` makes the folder notes, as it always did."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("The launch is in May.")
    environment = places | {"PYTHONPATH": str(Path.cwd())}
    done = kb("ingest", "docs", "--kb", "notes", environment=environment, cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "notes" / "kb.sqlite").is_file()


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "x" * 100, "a\x1b[2J"])
def test_what_can_be_no_name_makes_no_folder(places: dict[str, str], tmp_path: Path, name: str) -> None:
    done = kb("init", name, environment=places) if name else kb("init", " ", environment=places)
    assert done.returncode == 2 and "name" in done.stderr and "\x1b" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folders_own_is_found_from_below_it(places: dict[str, str], tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    environment = places | {"PYTHONPATH": str(Path.cwd())}
    assert kb("init", "--here", environment=environment, cwd=project).returncode == 0
    assert folder_of(places, cwd=project / "deep" / "er") == project / HERE
    assert kb("init", "other", environment=places).returncode == 0
    other = tmp_path / "data" / "kb" / "bases" / "other"
    assert folder_of(places, "--kb", "other", cwd=project) == other
    assert folder_of(places, cwd=project, KB_HOME=str(other)) == other


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a file away")
def test_a_strangers_folder_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    """In a folder that others write to, somebody could lay down a knowledge base that answers falsely."""
    assert kb("init", "--here", environment={"PYTHONPATH": str(Path.cwd())}, cwd=tmp_path).returncode == 0
    assert nearest(tmp_path) == tmp_path / HERE
    os.chown(tmp_path / HERE, 12345, 12345)
    assert nearest(tmp_path) != tmp_path / HERE


def test_settings_are_weaker_than_the_environment_and_options(places: dict[str, str], tmp_path: Path) -> None:
    bases = tmp_path / "data" / "kb" / "bases"
    for name in ("one", "two", "three"):
        assert kb("init", name, environment=places).returncode == 0
    assert kb("config", "set", "kb", "one", environment=places).returncode == 0
    assert folder_of(places) == bases / "one"
    assert folder_of(places, KB_HOME=str(bases / "two")) == bases / "two"
    assert folder_of(places, "--kb", "three", KB_HOME=str(bases / "two")) == bases / "three"
    shown = json.loads(kb("config", "show", "--json", environment=places).stdout)["settings"]
    assert shown["kb"]["value"] == "one" and shown["kb"]["from"].endswith("config.toml")
    assert shown["model"] == {"value": None, "from": "default"}
    assert kb("config", "set", "kb", "", environment=places).returncode == 0
    assert kb("status", environment=places).returncode == 3


def test_setting_one_thing_keeps_what_a_person_wrote(places: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "config" / "kb" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("# my notes\nmodel = 'qwen3-4b'  # the good one\n")
    assert kb("config", "set", "k", "5", environment=places).returncode == 0
    assert file.read_text() == "# my notes\nmodel = 'qwen3-4b'  # the good one\nk = 5\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modle = 'x'", "modle model"),
        ("k = 0", "k 1 100"),
        ("k = true", "k True"),
        ("color = 'red'", "color auto never"),
        ("keys = 'nano'", "keys emacs vi"),
        ("kb = 3", "kb 3"),
        ("kb = [", "config.toml"),
        ("\x00", "config.toml"),
    ],
)
def test_a_setting_that_would_do_nothing_is_an_error(
    places: dict[str, str], tmp_path: Path, text: str, words: str
) -> None:
    """A mistyped key that is passed over leaves a person wondering why nothing changes."""
    file = tmp_path / "config" / "kb" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    done = kb("status", environment=places)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words.split())
    assert kb("config", "set", "k", "3", environment=places).returncode == 2
    assert file.read_text() == text, "what can't be read is not written over"


def test_a_new_settings_file_says_what_can_be_set(places: dict[str, str], tmp_path: Path) -> None:
    assert kb("config", "set", "keys", "vi", environment=places).returncode == 0
    written = (tmp_path / "config" / "kb" / "config.toml").read_text()
    assert "# color: auto or never" in written and written.endswith('keys = "vi"\n')
    shown = kb("config", "show", environment=places)
    assert "keys   vi" in shown.stdout and "from: the settings file" in shown.stdout


@pytest.mark.parametrize("arguments", ["set modle x", "set k many", "set k 0", "set color red"])
def test_a_wrong_setting_is_not_written(places: dict[str, str], tmp_path: Path, arguments: str) -> None:
    done = kb("config", *arguments.split(), environment=places)
    assert done.returncode == 2
    assert not (tmp_path / "config").exists()


def test_the_number_of_passages_can_be_set(world: Path, places: dict[str, str]) -> None:
    assert len(kb_json("search", "antenna", "--kb", world / "base")["hits"]) > 1
    assert kb("config", "set", "k", "1", environment=places).returncode == 0
    done = kb("search", "antenna", "--kb", world / "base", "--json", environment=places)
    assert len(json.loads(done.stdout)["hits"]) == 1
