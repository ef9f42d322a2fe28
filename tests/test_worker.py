"""The reader process: whatever a file does to it, the ingest goes on with the next one."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from loading import DATA, assert_lawful, load

import ingest
from ingest import worker
from ingest.document import Document
from ingest.worker import ReaderProcess
from retrieval.errors import LoadError


def reason(reader: ReaderProcess, folder: Path, what: str) -> str:
    (folder / f"{what}.txt").write_text(what)
    with pytest.raises(LoadError) as error:
        list(reader.load(folder / f"{what}.txt", what))
    assert "\n" not in str(error.value)
    return str(error.value)


def assert_goes_on(reader: ReaderProcess, folder: Path) -> None:
    (document,) = reader.load(folder / "good.md", "good.md")
    assert isinstance(document, Document) and document.info.title == "Good"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("crash", "crash"), ("exit", "crash"), ("talk", "crash"), ("memory", "memory"), ("recursion", "nested"),
        ("odd", "KeyError: '/Pages'"),
    ],
)  # fmt: skip
def test_a_file_that_brings_the_reader_down_costs_itself_only(evil: Path, what: str, said: str) -> None:
    with ReaderProcess() as reader:
        assert_goes_on(reader, evil)
        assert said in reason(reader, evil, what)
        assert_goes_on(reader, evil)


@pytest.mark.parametrize("what", ["hang", "sleep"])
def test_a_file_that_never_ends_is_given_up(evil: Path, what: str) -> None:
    with ReaderProcess(seconds_per_file=0.5) as reader:
        started = time.monotonic()
        assert "too long" in reason(reader, evil, what)
        assert time.monotonic() - started < 5
    with ReaderProcess() as reader:
        assert_goes_on(reader, evil)


def test_a_library_that_prints_does_not_speak_into_the_answers(evil: Path) -> None:
    with ReaderProcess() as reader:
        (evil / "print.txt").write_text("print")
        assert list(reader.load(evil / "print.txt", "x")) == []
        assert_goes_on(reader, evil)


def test_the_reader_gives_what_the_loader_gives() -> None:
    with ReaderProcess() as reader:
        for path in sorted(DATA.rglob("*.*")):
            documents, failures = load(path)
            read = list(reader.load(path, path.name))
            assert read == [*documents, *failures]
            for item in read:
                assert_lawful(item) if isinstance(item, Document) else None


def test_a_name_that_is_no_unicode_passes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md"))
    path.write_text("# Menu")
    with ReaderProcess() as reader:
        (document,) = reader.load(path, str(path))
    assert isinstance(document, Document) and document.info.doc == str(path)


def test_a_file_that_is_gone_or_of_no_kind_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    with ReaderProcess() as reader:
        for name, said in (
            ("gone.md", "No such file"), ("a.exe", "no loader"), ("folder.md", "not a regular file"),
            ("pipe.md", "not a regular file"),
        ):  # fmt: skip
            with pytest.raises(LoadError, match=said):
                list(reader.load(tmp_path / name, name))


def test_stopping_in_the_middle_of_a_mailbox_leaves_nothing_for_the_next_file(tmp_path: Path) -> None:
    line = b"From a@b.c Tue Sep  3 10:15:00 2024\nSubject: %d\n\nbody of %d\n\n"
    (tmp_path / "box.mbox").write_bytes(b"".join(line % (n, n) for n in range(2000)))
    (tmp_path / "good.md").write_text("# Good")
    with ReaderProcess() as reader:
        documents = reader.load(tmp_path / "box.mbox", "box")
        next(documents)
        documents.close()  # type: ignore[attr-defined]
        assert_goes_on(reader, tmp_path)
        assert sum(1 for _ in reader.load(tmp_path / "box.mbox", "box")) == 2000


def test_a_folder_named_like_our_code_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ingest", "retrieval"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("open('pwned', 'w')")
    (tmp_path / "json.py").write_text("open('pwned', 'w')")
    (tmp_path / "a.md").write_text("# A")
    monkeypatch.chdir(tmp_path)
    with ReaderProcess() as reader:
        assert len(list(reader.load(Path("a.md"), "a.md"))) == 1
    assert not (tmp_path / "pwned").exists()


def test_nothing_heavy_is_imported_to_read_and_no_parser_in_the_parent() -> None:
    code = """
        import sys
        import ingest.walk, ingest.worker
        heavy = {"torch", "numpy", "lxml", "pypdfium2", "yaml", "markdown_it"} & set(sys.modules)
        assert not heavy, heavy
        import ingest.loaders
        for name in ("a.md", "a.html", "a.eml", "a.pdf", "a.txt"): ingest.loaders.reader_for(name)
        import ingest.loaders.mailbox
        assert "torch" not in sys.modules and "transformers" not in sys.modules
    """
    root = str(Path(ingest.__file__).parent.parent)
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, env={**os.environ, "PYTHONPATH": root}
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the child ends when it next looks for work")
def test_the_reader_ends_with_a_killed_parent(evil: Path) -> None:
    (evil / "hang.txt").write_text("hang")
    code = f"""
        import sys, threading, time
        import ingest.worker as worker
        from pathlib import Path
        worker._CODE = {worker._CODE!r}
        reader = worker.ReaderProcess()
        threading.Thread(target=lambda: list(reader.load(Path({str(evil / "hang.txt")!r}), "x")), daemon=True).start()
        while reader._child is None: time.sleep(0.01)
        print(reader._child._process.pid, flush=True)
        time.sleep(60)
    """
    root = str(Path(ingest.__file__).parent.parent)
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.send_signal(signal.SIGKILL)
    for _ in range(500):
        if not Path(f"/proc/{child}").exists() or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the child goes on without its parent")


def test_a_thousand_small_files_take_hardly_longer_than_without_the_process(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.md").write_text(f"# Page {number}\n\nA paragraph.\n")
    with ReaderProcess() as reader:
        list(reader.load(tmp_path / "0.md", "0.md"))
        started = time.monotonic()
        for number in range(1000):
            list(reader.load(tmp_path / f"{number}.md", "x"))
        assert time.monotonic() - started < 3  # measured 0.5 s on a quiet machine
