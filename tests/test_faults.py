"""Real faults on real processes and disks: `kill -9`, a full disk, a read-only one, torn files. What was stored stays,
searches go on, and the next ingest completes the work."""

import json
import os
import random
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import assert_one_sentence, assert_sound, disk, remount

from benchmarks.faults import (
    ENVIRONMENT,
    QUERIES,
    STAGES,
    Contents,
    command,
    contents,
    killed_ingests,
    run,
    write_tree,
)
from kb import KnowledgeBase
from retrieval.errors import StoreMissing
from retrieval.postings import WordIndex
from retrieval.store import Store, connect
from retrieval.vectors import FILE


def assert_refused(done: subprocess.CompletedProcess[str], place: Path) -> None:
    """The command ended with exit code 3 and one sentence that names the folder."""
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("kb: ")
    assert str(place) in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr) < 400


def sound_contents(folder: Path) -> Contents:
    """What a knowledge base holds whose tables agree."""
    with Store.open(folder) as store:
        assert_sound(store)
        return contents(store)


def assert_same(found: Contents, expected: Contents) -> None:
    assert found.files == expected.files
    assert found.documents == expected.documents
    assert found.chunks == expected.chunks
    assert found.same(expected)


Answers = list[list[tuple[str, str]]]


_COMPARED = 3


def answers(folder: Path) -> Answers:
    """What the queries find first: path and text, in order. Further down the words of these documents leave ties,
    which a vector's last bit decides: it depends on what was embedded with it."""
    with KnowledgeBase.open(folder) as kb:
        found = [kb.search(query, k=_COMPARED).hits for query in QUERIES]
        for hit in (hits[0] for hits in found):
            shown = kb.show(hit.ref)
            assert shown.text[shown.start : shown.end] == hit.text
    return [[(hit.info.doc, hit.text) for hit in hits] for hits in found]


@dataclass(frozen=True, slots=True)
class Reference:
    """An undisturbed ingest of the last stage of the folder `docs` in `home`, with what came of it."""

    home: Path
    seconds: float
    contents: Contents
    answers: Answers

    @property
    def folder(self) -> Path:
        return self.home / "kb"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    home = tmp_path_factory.mktemp("reference")
    write_tree(home / "docs", STAGES)
    started = time.monotonic()
    done = run(home, "ingest", "docs", "--kb", "./kb", "--json")
    seconds = time.monotonic() - started
    assert (done.returncode, done.stderr) == (0, "")
    return Reference(home, seconds, sound_contents(home / "kb"), answers(home / "kb"))


def assert_usable(folder: Path) -> None:
    """What a person finds who comes upon a killed ingest: answers, or that there is nothing yet."""
    try:
        with KnowledgeBase.open(folder) as kb:
            for hit in kb.search(QUERIES[0]).hits:
                shown = kb.show(hit.ref)
                assert shown.text[shown.start : shown.end] == hit.text
            assert kb.status().documents == len(kb.list())
    except StoreMissing as error:
        assert_one_sentence(error)
        assert str(folder) in str(error)
    else:
        with Store.open(folder) as store:
            assert_sound(store)


def test_kills_leave_what_an_undisturbed_ingest_leaves(reference: Reference, tmp_path: Path) -> None:
    """An ingest of hours will be killed: by a lid that is closed, a battery, the kernel. It must go on where it was,
    and nothing may be missing, doubled or stale afterwards."""
    folder, killed = tmp_path / "kb", []
    for was_killed, left in killed_ingests(tmp_path, reference.seconds, kills=5, seed=7):
        killed.append(was_killed)
        assert_usable(left)
    assert sum(killed) >= 3, f"too many ended before they could be killed: {killed}"
    done = run(tmp_path, "ingest", "docs", "--kb", "./kb", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert_same(sound_contents(folder), reference.contents)
    assert answers(folder) == reference.answers
    again = json.loads(run(tmp_path, "ingest", "docs", "--kb", "./kb", "--json").stdout)
    assert again["unchanged"] == again["documents"] == len(reference.contents.documents)
    assert {path.name for path in folder.iterdir()} == {"kb.sqlite", FILE, WordIndex.FILE, "writer.lock"}


def test_files_that_change_while_they_are_read_end_up_as_they_are(
    reference: Reference, tmp_path: Path
) -> None:
    """Mail arrives, and pages are saved, during every long ingest: what is read may be the half of a file."""
    write_tree(tmp_path / "docs", STAGES)
    whole = {path: path.read_bytes() for path in (tmp_path / "docs").iterdir()}
    rng = random.Random(1)
    ingest = command("ingest", "docs", "--kb", "./kb")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(ingest, cwd=tmp_path, env=ENVIRONMENT, **quiet) as process:
        while process.poll() is None:
            path = rng.choice(list(whole))
            path.write_bytes(whole[path][: rng.randrange(1, len(whole[path]))])
            time.sleep(0.01)
    assert process.returncode in (0, 1)
    for path, data in whole.items():
        path.write_bytes(data)
    done = run(tmp_path, "ingest", "docs", "--kb", "./kb", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert_same(sound_contents(tmp_path / "kb"), reference.contents)
    assert answers(tmp_path / "kb") == reference.answers


@pytest.mark.parametrize("made", ["no byte", "no table"])
def test_a_kill_while_the_first_file_is_made_leaves_an_empty_knowledge_base(
    tmp_path: Path, made: str
) -> None:
    """It is no knowledge base of another version, which one would have to give up."""
    (tmp_path / "kb.sqlite").touch()
    if made == "no table":
        connect(tmp_path / "kb.sqlite").close()
    with pytest.raises(StoreMissing) as caught:
        KnowledgeBase.open(tmp_path)
    assert_one_sentence(caught.value)
    with KnowledgeBase.open(tmp_path, create=True) as kb:
        assert kb.status().documents == 0


def torn(data: bytes) -> dict[str, bytes | None]:
    """What may be left of `vectors.faiss`; None: nothing at all."""
    middle, noise = len(data) // 2, random.Random(1).randbytes(5000)
    return {
        "deleted": None, "emptied": b"", "cut": data[:middle], "cut in its header": data[:20],
        "without its last byte": data[:-1], "garbage": noise, "zeros": bytes(len(data)),
        "another block": data[:middle] + noise + data[middle + len(noise) :],
        "half written": data[:middle] + bytes(len(data) - middle),
        "another header": b'{"format": 1}\n' + data.partition(b"\n")[2], "a JSON number": b"5\n" + data,
    }  # fmt: skip


def test_a_torn_vector_index_changes_no_answer_and_is_mended(reference: Reference, tmp_path: Path) -> None:
    """The index is derived: no crash in the midst of writing it, and no hand that deletes it, may cost anything."""
    folder = Path(shutil.copytree(reference.folder, tmp_path / "kb"))
    for how, data in torn((folder / FILE).read_bytes()).items():
        (folder / FILE).unlink(missing_ok=True)
        if data is not None:
            (folder / FILE).write_bytes(data)
        assert answers(folder) == reference.answers, how
    with KnowledgeBase.open(folder) as kb:
        kb.ingest([reference.home / "docs"])
    assert (folder / FILE).stat().st_size == (reference.folder / FILE).stat().st_size
    assert answers(folder) == reference.answers


def fill(place: Path, left: int) -> Path:
    """A file that leaves that many bytes free."""
    filler = place / "filler"
    status = os.statvfs(place)
    with filler.open("wb") as file:
        file.write(bytes(max(0, status.f_bavail * status.f_frsize - left)))
    return filler


def test_an_ingest_onto_a_full_disk_says_so_and_completes_once_there_is_room(
    reference: Reference, tmp_path: Path
) -> None:
    """A person must learn that it is the disk, and which one, and must not have to start over."""
    write_tree(tmp_path / "docs", STAGES)
    with disk(tmp_path / "disk", "16k") as place:
        ingest = "ingest", "docs", "--kb", place / "kb", "--json"
        stored = 0
        for size in ("16k", "64k", "900k"):  # no room for the file, for its tables, for all documents
            remount(place, f"size={size}")
            assert_refused(done := run(tmp_path, *ingest), place / "kb")
            assert "space" in done.stderr
            assert_usable(place / "kb")
        with KnowledgeBase.open(place / "kb") as kb:
            stored = kb.status().documents
        assert 0 < stored < len(reference.contents.documents)
        remount(place, "size=64m")
        done = run(tmp_path, *ingest)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["added"] == len(reference.contents.documents) - stored
        assert_same(sound_contents(place / "kb"), reference.contents)
        assert answers(place / "kb") == reference.answers


# SQLite shares 32 kB between readers; the vector index of the reference has some 400 kB.
@pytest.mark.parametrize("left", [0, 16_384, 32_768, 36_864, 65_536, 200_000])
def test_a_disk_that_filled_up_can_still_be_searched(reference: Reference, tmp_path: Path, left: int) -> None:
    """It fills up by anything; that the ingest has to wait is no reason not to find what was stored."""
    with disk(tmp_path / "disk", "16m") as place:
        folder = Path(shutil.copytree(reference.folder, place / "kb"))
        (folder / FILE).unlink()  # so that it has to be written
        filler = fill(place, left)
        search = run(reference.home, "search", QUERIES[0], "--kb", folder, "--json")
        assert (search.returncode, search.stderr) == (0, "")
        hits = [(hit["doc"], hit["text"]) for hit in json.loads(search.stdout)["hits"][:_COMPARED]]
        assert hits == reference.answers[0]
        assert_refused(done := run(reference.home, "ingest", "docs", "--kb", folder, "--json"), folder)
        assert "space" in done.stderr
        filler.unlink()
        assert run(reference.home, "ingest", "docs", "--kb", folder, "--json").returncode == 0
        assert (folder / FILE).exists()
        assert answers(folder) == reference.answers


def test_a_read_only_knowledge_base_can_be_searched_but_not_written(
    reference: Reference, tmp_path: Path
) -> None:
    """A team may keep one on a share or a disc that its readers can't write to."""
    with disk(tmp_path / "disk", "16m") as place:
        folder = Path(shutil.copytree(reference.folder, place / "kb"))
        remount(place, "ro")
        for writing in (("ingest", "docs"), ("rm", "docs"), ("reindex",)):
            assert_refused(run(reference.home, *writing, "--kb", folder, "--json"), folder)
        assert_refused(run(reference.home, "ingest", "docs", "--kb", place / "new", "--json"), place / "new")
        search = run(reference.home, "search", QUERIES[0], "--kb", folder, "--json")
        assert (search.returncode, search.stderr) == (0, "")
        hits = [(hit["doc"], hit["text"]) for hit in json.loads(search.stdout)["hits"][:_COMPARED]]
        assert hits == reference.answers[0]
        status = run(reference.home, "status", "--kb", folder, "--json")
        assert (status.returncode, status.stderr) == (0, "")
        assert json.loads(status.stdout)["chunks"] == len(reference.contents.chunks)


def test_a_killed_ingest_on_a_disk_that_became_read_only_is_one_sentence(
    reference: Reference, tmp_path: Path
) -> None:
    """What it wrote last lies in a log that can be read only where it can be written; to leave it out in silence
    would be to answer from half of the truth."""
    with disk(tmp_path / "disk", "16m") as place:
        shutil.copytree(reference.folder, tmp_path / "kb")
        with Store.open(tmp_path / "kb") as store:
            store.connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
            shutil.copytree(tmp_path / "kb", place / "kb", ignore=shutil.ignore_patterns("*-shm"))
        assert (place / "kb/kb.sqlite-wal").stat().st_size
        remount(place, "ro")
        for reading in (("search", QUERIES[0]), ("status",), ("ingest", "docs")):
            assert_refused(run(reference.home, *reading, "--kb", place / "kb", "--json"), place / "kb")
