"""The command line as a person or a script meets it: real processes, their exit codes, and what they print where."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import MINILM, kb, kb_json, model_path

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
    ("ask - --kb {base}", 2, "empty"),
    ("history show 9 --kb {base}", 2, "conversation 9"),
    ("history rm 9 --kb {base}", 2, "conversation 9"),
    ("history --kb {base} show 9", 2, "--kb"),
    ("history --kb {none}", 3, "{none} kb ingest"),
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
    "arguments",
    [
        "--help",
        "--version",
        "ingest --help",
        "chat --help",
        "list --kb base",
        "show --kb base x",
        "status --kb base",
        "history --kb base",
        "config show",
        "init named",
        "models list",
    ],
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
