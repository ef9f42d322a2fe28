"""The command line as a person or a script meets it: real processes, their exit codes, and what they print where."""

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import MINILM, info, model_path, put

from retrieval.schema import SCHEMA_VERSION
from retrieval.store import DATABASE, Store
from retrieval.writer import writing

NOTE = """---
title: Launch plan
author: Dana Okafor
updated: 2025-03-04
---
# Launch plan

The launch moves to September, 42,000 EUR are set aside — "naïve", says 東京 👩‍🚀.

## Risks

The supplier of the antenna was late twice.
"""
MAIL = """\
From: Ines Moreau <ines@example.org>
To: Dana Okafor <dana@example.org>
Subject: Antenna supplier
Date: Tue, 04 Mar 2025 10:15:00 +0100
Message-ID: <one@example.org>

The antenna supplier promised delivery by the first of June.
"""
# Variables that change what kb prints, or where it looks.
_OURS = ("KB_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONIOENCODING", "HF_")


def kb(
    *arguments: str | Path, stdin: int | None = subprocess.DEVNULL, stdout: int = subprocess.PIPE,
    environment: Mapping[str, str] | None = None, cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Runs the command in a process of its own, on no terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.run(
        [sys.executable, "-m", "kb.main", *map(str, arguments)],
        stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True, encoding="utf-8", timeout=120, cwd=cwd,
        env={**kept, "PYTHONIOENCODING": "utf-8", **(environment or {})},
    )  # fmt: skip


def kb_json(*arguments: str | Path) -> dict[str, Any]:
    """The object that a `--json` run prints: one, and nothing else."""
    done = kb(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def put_by_hand(folder: Path) -> None:
    """A knowledge base whose vectors come from an embedding model that this machine does not have."""
    with Store.open(folder, create=True) as store, writing(store) as writer:
        put(writer, "A note about horses.", info("a.md"))


def change(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        connection.execute(sql)
    connection.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents, the knowledge base made of them, and everything that can be in a folder's place."""
    root = tmp_path_factory.mktemp("world")
    for name in ("docs", "empty", "pictures", "nomodels", "junk"):
        (root / name).mkdir()
    (root / "docs" / "launch.md").write_text(NOTE, "utf-8")
    (root / "docs" / "antenna.eml").write_text(MAIL, "utf-8")
    (root / "pictures" / "cat.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (root / "junk" / DATABASE).write_bytes(b"this is no database\n" * 500)
    (root / "file").write_text("a file")
    done = kb("ingest", root / "docs", "--kb", root / "base")
    assert done.returncode == 0, done.stderr
    put_by_hand(root / "foreign")
    shutil.copytree(root / "foreign", root / "other_format")
    change(root / "other_format", f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    shutil.copytree(root / "base", root / "other_version")
    change(
        root / "other_version",
        "UPDATE spaces SET embedder = json_set(embedder, '$.fingerprint', 'of another version')",
    )
    return root


WRONG = [
    # Wrong usage.
    ("ingest {none} --kb {new}", 2, "does not exist"),
    ("ingest {docs} {none} --kb {new}", 2, "{none}"),
    ("search antenna --kind letter --kb {base}", 2, "letter wiki mail pdf"),
    ("list --kind letter --kb {base}", 2, "letter wiki mail pdf"),
    ("ask antenna --kind letter --kb {base}", 2, "letter wiki mail pdf"),
    ("search antenna --after yesterday --kb {base}", 2, "--after yesterday 2025-07-01"),
    ("search antenna --before 2025-13 --kb {base}", 2, "--before 2025-13"),
    ("list --after 2025-02-30 --kb {base}", 2, "--after 2025-02-30"),
    ("search '' --kb {base}", 2, "empty"),
    ("search ' \t' --kb {base}", 2, "empty"),
    ("ask ' ' --model {file} --kb {base}", 2, "empty"),
    ("show nosuchref --kb {base}", 2, "nosuchref"),
    ("show nosuchref:0-5 --kb {base}", 2, "nosuchref"),
    ("show '' --kb {base}", 2, "ref"),
    ("show {docs}/launch.md:5-9999999 --kb {base}", 2, "outside"),
    ("show {docs}/launch.md:9-5 --kb {base}", 2, "outside"),
    ("rm nosuchref --kb {base}", 2, "nosuchref"),
    ("rm {none} --kb {base}", 2, "{none}"),
    # Nothing is there yet.
    ("search antenna --kb {none}", 3, "{none} kb ingest"),
    ("ask antenna --kb {none}", 3, "{none} kb ingest"),
    ("chat --kb {none}", 3, "{none} kb ingest"),
    ("list --kb {none}", 3, "{none} kb ingest"),
    ("status --kb {none}", 3, "{none} kb ingest"),
    ("show launch.md --kb {none}", 3, "{none} kb ingest"),
    ("rm launch.md --kb {none}", 3, "{none} kb ingest"),
    ("reindex --kb {none}", 3, "{none} kb ingest"),
    ("list --kb {empty}", 3, "{empty} kb ingest"),
    # What is there is no knowledge base, or none for this kb.
    ("list --kb {file}", 3, "{file}"),
    ("ingest {docs} --kb {file}", 3, "{file}"),
    ("search antenna --kb {junk}", 3, "{junk} damaged"),
    ("ask antenna --kb {junk}", 3, "{junk} damaged"),
    ("list --kb {junk}", 3, "{junk} damaged"),
    ("status --kb {junk}", 3, "{junk} damaged"),
    ("show launch.md --kb {junk}", 3, "{junk} damaged"),
    ("ingest {docs} --kb {junk}", 3, "{junk} damaged"),
    ("search antenna --kb {other_format}", 3, "{other_format} format"),
    ("ingest {docs} --kb {other_format}", 3, "{other_format} format"),
    # Models that are not there, or not the right ones.
    ("ask antenna --model nope --kb {base}", 3, "nope qwen2.5-coder-1.5b"),
    ("ask antenna --model {none}.gguf --kb {base}", 3, "{none}.gguf"),
    ("ask antenna --model all-minilm-l6-v2 --kb {base}", 3, "all-minilm-l6-v2"),
    ("ask antenna --model hf:org/repository/file.gguf --kb {base}", 3, "kb models pull hf:org/repository/file.gguf"),
    ("models pull nope", 3, "nope qwen2.5-coder-1.5b"),
    ("models verify nope", 3, "nope qwen2.5-coder-1.5b"),
    ("search antenna --kb {foreign}", 3, "bag-of-words"),
    ("search antenna --kb {other_version}", 3, "{other_version} kb reindex"),
    ("reindex --embedder nope --kb {base}", 3, "nope"),
    ("reindex --embedder {docs} --kb {base}", 3, "{docs}"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG, ids=[case[0] for case in WRONG])
def test_what_goes_wrong_is_one_sentence_and_an_exit_code(
    world: Path, arguments: str, code: int, words: str
) -> None:
    """A traceback tells a person nothing, and a script that gets the wrong code goes on as if all were well."""
    names = ("docs none new base empty file junk other_format other_version foreign").split()
    places = {name: str(world / name) for name in names}
    done = kb(*(word.format_map(places) for word in shlex.split(arguments)))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("kb: ") and len(line) < 600
    assert all(word.format_map(places) in line for word in words.split())
    assert done.stdout == ""
    assert not (world / "none").exists() and not (world / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("search antenna --k 0", "--k"),
        ("search antenna --k many", "--k"),
        ("ask antenna --k 0", "--k"),
        ("ask antenna --k 101", "--k"),
        ("search", "query"),
        ("search two words", "words"),
        ("ingest", "PATH"),
        ("list --colour", "--colour"),
        ("nosuchcommand", "nosuchcommand"),
    ],
)
def test_what_cannot_be_a_command_is_explained_with_exit_code_2(arguments: str, word: str) -> None:
    done = kb(*arguments.split())
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "Usage: kb" in done.stderr
    assert word in done.stderr.splitlines()[-1]
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [("search", ""), ("ask", "", "--model", "./file")])
def test_an_empty_question_is_said_at_once(world: Path, arguments: tuple[str, ...]) -> None:
    """Loading a model of a gigabyte only to say so would be seconds for nothing."""
    loaded = modules(world, *arguments, "--kb", "base")
    assert not loaded & {"llama_cpp", "onnxruntime", "torch"}


@pytest.mark.parametrize(("place", "word"), [("empty", "empty"), ("pictures", "1 files")])
def test_a_folder_with_nothing_to_read_is_said_and_is_no_success(
    world: Path, tmp_path: Path, place: str, word: str
) -> None:
    """Exit code 0 would let a script believe that its documents are in."""
    done = kb("ingest", world / place, "--kb", tmp_path / "kb")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("kb: there is nothing to read") and word in last
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_read_is_named_and_the_others_stay(world: Path, tmp_path: Path) -> None:
    """Done in part: exit code 1, and the person knows what is missing from the answers."""
    shutil.copytree(world / "base", tmp_path / "base")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    done = kb("ingest", world / "docs", "more", "--kb", "base", "--json", cwd=tmp_path)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert (report["unchanged"], report["documents"]) == (2, 2)
    (failure,) = report["failed"]
    assert failure["doc"] == "more/broken.pdf" and failure["error"]
    assert kb_json("status", "--kb", tmp_path / "base")["failed"] == [failure]
    assert "more/broken.pdf" in kb("status", "--kb", tmp_path / "base").stdout


def test_a_file_name_that_is_no_unicode_keeps_nothing_out(world: Path, tmp_path: Path) -> None:
    """Names on old disks are Latin-1: one of them must not end the ingest of all other documents."""
    shutil.copytree(world / "base", tmp_path / "kb")
    (tmp_path / "more").mkdir()
    try:
        Path(os.fsdecode(bytes(tmp_path / "more") + b"/caf\xe9.pdf")).write_bytes(b"%PDF-1.7 and nothing")
    except OSError:
        pytest.skip("this file system has Unicode names only")
    for _ in range(2):  # the second time it is known
        done = kb("ingest", world / "docs", tmp_path / "more", "--kb", tmp_path / "kb", "--json")
        assert done.returncode == 1, done.stderr
        report = json.loads(done.stdout)
        assert report["unchanged"] == 2
        (failure,) = report["failed"]
        assert "/more/caf" in failure["doc"] and "PDF" in failure["error"]
    assert "/more/caf" in kb("status", "--kb", tmp_path / "kb").stdout


def test_a_missing_model_is_never_fetched_unasked(world: Path, tmp_path: Path) -> None:
    """A gigabyte over somebody's mobile network, or a script that hangs at a question nobody sees."""
    environment = {"KB_MODELS": str(world / "nomodels")}
    for arguments in (
        ("ingest", world / "docs", "--kb", tmp_path / "kb"),
        ("ask", "antenna", "--kb", world / "base"),
        ("reindex", "--kb", world / "base"),
    ):
        done = kb(*arguments, environment=environment)
        assert done.returncode == 3
        (line,) = done.stderr.splitlines()
        assert line.startswith("kb: ") and f"kb models pull {MINILM}" in line and " MB)" in line
        assert done.stdout == ""
    assert list((world / "nomodels").iterdir()) == []


def test_a_search_without_its_model_says_what_to_run(world: Path) -> None:
    """As after the cache was cleared."""
    done = kb("search", "antenna", "--kb", world / "base", environment={"KB_MODELS": str(world / "nomodels")})
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("kb: ") and f"kb models pull {MINILM}" in line


def test_a_damaged_model_is_found_and_how_to_mend_it_is_said(tmp_path: Path) -> None:
    here = tmp_path / MINILM
    here.mkdir()
    for file in model_path(MINILM).iterdir():
        (here / file.name).symlink_to(file)
    (here / "vocab.txt").unlink()
    data = bytearray((model_path(MINILM) / "vocab.txt").read_bytes())
    data[1000] ^= 1
    (here / "vocab.txt").write_bytes(data)
    done = kb("models", "verify", environment={"KB_MODELS": str(tmp_path)})
    assert done.returncode == 3
    assert "vocab.txt" in done.stdout and f"kb models pull {MINILM} --again" in done.stdout
    assert done.stderr == ""


# What DESIGN.md promises to programs.

HIT = (
    "rank ref doc kind title start end text page heading message_id author date score dense lexical"
).split()
SHOWN = "ref doc kind title text start end page heading message_id author date recipients".split()
LISTED = "ref doc part kind title author recipients date message_id chunks chars".split()


def test_ingest_json(world: Path) -> None:
    report = kb_json("ingest", world / "docs", "--kb", world / "base")
    assert report.keys() >= set(
        "added updated unchanged removed failed documents chunks seconds seconds_by_stage".split()
    )
    counts = [report[name] for name in "added updated unchanged removed documents".split()]
    assert counts == [0, 0, 2, 0, 2]
    assert report["failed"] == [] and report["chunks"] >= 2
    assert sum(report["seconds_by_stage"].values()) <= report["seconds"] + 0.01


def test_search_json_and_show_json_prove_each_other(world: Path) -> None:
    """A citation is worth nothing when the text at its place is not what was quoted."""
    found = kb_json("search", "when does the antenna supplier deliver", "--kb", world / "base")
    assert found.keys() == {"query", "hits", "timings_ms"}
    assert found["query"] == "when does the antenna supplier deliver"
    assert found["timings_ms"].keys() == {"open", "retrieve", "total"}
    hits = found["hits"]
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1)) and len(hits) >= 2
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    for hit in hits:
        assert set(hit) == set(HIT)
        assert hit["text"] and hit["doc"].startswith(str(world / "docs"))
        shown = kb_json("show", hit["ref"], "--kb", world / "base")
        assert set(shown) >= set(SHOWN)
        assert shown["text"][shown["start"] : shown["end"]] == hit["text"]
        same = ("ref", "doc", "kind", "title", "start", "end", "page", "message_id", "author", "date")
        assert {name: shown[name] for name in same} == {name: hit[name] for name in same}
    mail = next(hit for hit in hits if hit["kind"] == "mail")
    assert (mail["title"], mail["message_id"]) == ("Antenna supplier", "one@example.org")
    assert (mail["author"], mail["date"]) == ("Ines Moreau <ines@example.org>", "2025-03-04T10:15:00+01:00")
    page = next(hit for hit in hits if hit["kind"] == "wiki")
    assert (page["title"], page["author"], page["date"]) == ("Launch plan", "Dana Okafor", "2025-03-04")


def test_show_json_of_a_path_is_the_whole_document(world: Path) -> None:
    """With letters beyond ASCII: an offset counts characters, not bytes."""
    shown = kb_json("show", world / "docs" / "launch.md", "--kb", world / "base")
    assert (shown["start"], shown["end"]) == (0, len(shown["text"]))
    assert '— "naïve", says 東京 👩‍🚀.' in shown["text"]
    at = shown["text"].index("東京")
    part = kb_json("show", f"{world / 'docs' / 'launch.md'}:{at}-{at + 2}", "--kb", world / "base")
    assert part["text"][part["start"] : part["end"]] == "東京"
    assert part["heading"] == ["Launch plan"]


def test_list_json(world: Path) -> None:
    listed = kb_json("list", "--kb", world / "base")
    assert listed.keys() == {"documents"}
    assert all(set(document) == set(LISTED) for document in listed["documents"])
    assert [Path(document["doc"]).name for document in listed["documents"]] == ["antenna.eml", "launch.md"]
    (mail,) = kb_json("list", "--kind", "mail", "--kb", world / "base")["documents"]
    assert mail["recipients"] == ["Dana Okafor <dana@example.org>"]


def test_status_json(world: Path) -> None:
    status = kb_json("status", "--kb", world / "base")
    assert status["folder"] == str(world / "base")
    assert (status["documents"], status["by_kind"]) == (2, {"mail": 1, "wiki": 1})
    assert (status["embedder"], status["dimensions"], status["embedder_present"]) == (MINILM, 384, True)
    assert status["failed"] == [] and status["roots"] == [str(world / "docs")]
    assert status["bytes_on_disk"] > 0 and status["last_ingest"].startswith("20")


def test_rm_json(world: Path, tmp_path: Path) -> None:
    shutil.copytree(world / "base", tmp_path / "kb")
    (document, *_) = kb_json("list", "--kb", tmp_path / "kb")["documents"]
    assert kb_json("rm", document["ref"], "--kb", tmp_path / "kb") == {"removed": 1}
    assert len(kb_json("list", "--kb", tmp_path / "kb")["documents"]) == 1
    assert kb_json("rm", world / "docs", "--kb", tmp_path / "kb") == {"removed": 1}
    assert kb_json("list", "--kb", tmp_path / "kb")["documents"] == []
    assert (world / "docs" / "launch.md").exists(), "what a person wrote is never deleted"


def test_rm_of_several_removes_all_or_says_that_it_did_not(world: Path, tmp_path: Path) -> None:
    """Exit code 2 says that nothing was done, 1 that a part was: anything else would be a lie."""
    shutil.copytree(world / "base", tmp_path / "kb")
    (document, *_) = kb_json("list", "--kb", tmp_path / "kb")["documents"]
    done = kb("rm", document["ref"], "nosuchref", "--kb", tmp_path / "kb")
    left = len(kb_json("list", "--kb", tmp_path / "kb")["documents"])
    assert (done.returncode, left) in ((2, 2), (1, 1))


def test_json_is_one_object_also_when_nothing_is_found(world: Path) -> None:
    done = kb("search", "antenna", "--kind", "pdf", "--kb", world / "base", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["hits"] == [] and done.stderr == ""


def test_json_is_exact_on_a_terminal_without_unicode(world: Path) -> None:
    """A quote with question marks in it would no longer be found in its document."""
    done = kb(
        "show", world / "docs" / "launch.md", "--kb", world / "base", "--json",
        environment={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert "東京 👩‍🚀" in json.loads(done.stdout)["text"]


@pytest.mark.parametrize("command", ["list", "status", "search antenna"])
def test_a_relative_folder_and_the_default_folder_are_found(world: Path, command: str) -> None:
    here = kb(*command.split(), "--kb", "base", cwd=world)
    home = kb(*command.split(), environment={"KB_HOME": str(world / "base")})
    assert here.returncode == home.returncode == 0
    assert home.stdout.replace(f"{world}/base ", "base ") == here.stdout


# What a command costs.


def modules(cwd: Path, *arguments: str) -> set[str]:
    """The top-level modules that a run of the command has imported."""
    code = (
        "import sys\n"
        "from kb.main import main\n"
        "sys.argv = ['kb', *sys.argv[1:]]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print('MODULES', *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return set(done.stderr.splitlines()[-1].removeprefix("MODULES ").split())


def test_a_search_loads_no_language_model_and_no_torch(world: Path) -> None:
    """Importing torch alone takes ten times as long as the whole search."""
    loaded = modules(world, "search", "antenna supplier", "--kb", "base")
    assert {"faiss", "onnxruntime"} <= loaded
    heavy = {
        "torch",
        "llama_cpp",
        "sentence_transformers",
        "transformers",
        "sklearn",
        "huggingface_hub",
        "onnx",
    }
    assert not loaded & heavy


@pytest.mark.parametrize(
    "arguments", ["--help", "--version", "ingest --help", "list --kb base", "show --kb base x"]
)
def test_what_needs_no_model_loads_none(world: Path, arguments: str) -> None:
    loaded = modules(world, *arguments.split())
    assert not loaded & {"torch", "llama_cpp", "faiss", "onnxruntime", "numpy", "transformers", "onnx"}


# Where the output goes.


@pytest.mark.parametrize(
    "arguments", ["list", "status", "search antenna", "show launch.md", "list --json", "--help"]
)
def test_a_reader_that_has_gone_is_no_reason_to_complain(world: Path, arguments: str) -> None:
    """`kb list | head -1`"""
    reading, writing_end = os.pipe()
    os.close(reading)
    try:
        done = kb(*arguments.replace("launch.md", str(world / "docs" / "launch.md")).split(), stdout=writing_end,
                  environment={"KB_HOME": str(world / "base")})  # fmt: skip
    finally:
        os.close(writing_end)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", ["list", "search antenna", "list --json"])
def test_output_that_cannot_be_written_is_no_success(world: Path, arguments: str) -> None:
    """`kb list > file` on a full disk must not end as if the file were whole."""
    with Path("/dev/full").open("wb") as full:
        done = kb(*arguments.split(), stdout=full.fileno(), environment={"KB_HOME": str(world / "base")})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr and done.stderr.splitlines()[-1].startswith("kb: ")
    assert "No space left" in done.stderr


@pytest.mark.parametrize(
    "arguments", ["list", "search antenna", "show {docs}/launch.md", "status", "models list", "--help"]
)
def test_what_is_piped_has_no_colours(world: Path, arguments: str) -> None:
    """An escape character in a file or a mail is rubbish to whoever reads it."""
    done = kb(*arguments.format(docs=world / "docs").split(), environment={"KB_HOME": str(world / "base")})
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


def test_a_dry_run_makes_no_files(world: Path, tmp_path: Path) -> None:
    done = kb("ingest", world / "docs", "--dry-run", "--kb", tmp_path / "kb")
    assert done.returncode == 0
    assert "would be added" in done.stdout
    assert list(tmp_path.iterdir()) == []
    report = kb_json("ingest", world / "docs", "--dry-run", "--kb", tmp_path / "kb")
    assert (report["added"], report["documents"]) == (2, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_changes_nothing_that_is_there(world: Path, tmp_path: Path) -> None:
    """A person who only asks what would be removed must not have it removed."""
    shutil.copytree(world / "docs", tmp_path / "docs")
    shutil.copytree(world / "base", tmp_path / "kb")
    before = kb_json("list", "--kb", tmp_path / "kb")
    report = kb_json("ingest", tmp_path / "docs", "--dry-run", "--kb", tmp_path / "kb")
    assert (report["added"], report["documents"]) == (2, 2)
    assert kb_json("list", "--kb", tmp_path / "kb") == before
    roots = kb_json("status", "--kb", tmp_path / "kb")["roots"]
    assert roots == [str(world / "docs")]
