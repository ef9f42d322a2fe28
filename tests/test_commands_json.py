"""What `--json` promises to programs: the fields, one object and nothing else on stdout, and offsets that hold."""

import json
import shutil
from pathlib import Path

from helpers import MINILM, kb, kb_json

HIT = (
    "rank ref doc kind title start end text page heading message_id author date score dense lexical"
).split()
SHOWN = (
    "ref doc kind title text start end page heading message_id author date recipients thread attachments attached_to "
    "page_label"
).split()
LISTED = (
    "ref doc part kind title author recipients date message_id references date_from chunks chars"
).split()


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
    assert (status["oldest"], status["newest"]) == ("2025-03-04", "2025-03-04")
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


def test_search_explains_itself(world: Path) -> None:
    """Without it nobody can tell why the wrong page came first."""
    arguments = ("search", "when did the antenna supplier deliver in March 2024", "--kb", world / "base")
    found = kb_json(*arguments, "--explain")
    assert found["understood"]["periods"] == [
        {"text": "March 2024", "from": "2024-03-01", "before": "2024-04-01"}
    ]
    for hit in found["hits"]:
        assert abs(sum(hit["evidence"].values()) - hit["score"]) < 0.01
    shown = kb(*arguments, "--explain").stdout
    assert "understood: “March 2024”: 2024-03-01 to 2024-03-31" in shown
    assert "meaning" in shown
