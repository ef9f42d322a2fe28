"""`kb doctor` finds what is wrong, says what to do, and never cries wolf."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import change
from helpers import kb


def findings(folder: Path, code: int, **environment: str) -> dict[str, dict[str, object]]:
    done = kb("doctor", "--kb", folder, "--json", environment=environment)
    assert done.returncode == code, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["good"] is (code == 0)
    assert all(finding["good"] or finding["advice"] for finding in said["findings"])
    return {finding["name"]: finding for finding in said["findings"]}


@pytest.fixture
def base(world: Path, tmp_path: Path) -> Path:
    shutil.copytree(world / "base", tmp_path / "base")
    return tmp_path / "base"


def test_a_sound_knowledge_base_is_called_good(base: Path) -> None:
    before = {file.name: file.read_bytes() for file in base.iterdir() if file.suffix in (".faiss", ".index")}
    found = findings(base, 0)
    assert {
        "store",
        "database",
        "counts",
        "vectors.faiss",
        "words.index",
        "disk",
        "processor",
        "threads",
    } <= found.keys()
    assert {file.name: file.read_bytes() for file in base.iterdir() if file.name in before} == before
    shown = kb("doctor", "--kb", base)
    assert shown.returncode == 0 and "BAD" not in shown.stdout


@pytest.mark.parametrize(
    ("sql", "bad"),
    [
        ("DELETE FROM vectors WHERE chunk_id = (SELECT min(chunk_id) FROM vectors)", {"counts"}),
        ('UPDATE files SET failures = \'[["", "torn"]]\'', {"documents"}),
    ],
)
def test_what_is_wrong_inside_is_found(base: Path, sql: str, bad: set[str]) -> None:
    change(base, sql)
    assert {name for name, finding in findings(base, 1).items() if not finding["good"]} == bad


@pytest.mark.parametrize("file", ["vectors.faiss", "words.index"])
def test_a_lost_index_is_found(base: Path, file: str) -> None:
    (base / file).unlink()
    assert not findings(base, 1)[file]["good"]


@pytest.mark.parametrize("place", ["none", "junk", "other_format", "file"])
def test_what_cannot_be_opened_is_a_finding_and_no_crash(world: Path, place: str) -> None:
    """The rest of the machine is looked at all the same."""
    found = findings(world / place, 1)
    assert not found["store"]["good"] and found["processor"]["good"]


def test_missing_models_are_named_with_what_to_run(base: Path, tmp_path: Path) -> None:
    found = findings(base, 1, KB_MODELS=str(tmp_path / "models"))
    missing = [finding for finding in found.values() if not finding["good"]]
    assert [finding["advice"] for finding in missing] == [
        "kb models pull all-minilm-l6-v2",
        "kb models pull qwen2.5-coder-1.5b",
    ]
