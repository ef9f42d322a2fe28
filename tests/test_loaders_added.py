"""Loaders of other packages: the example of docs/loaders.md as a package, read by the process that reads files."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from loading import load

from ingest import loaders
from ingest.document import Document
from ingest.loaders import has_loader, loader_for
from ingest.worker import ReaderProcess
from retrieval.errors import LoadError

DOCS = Path(__file__).parents[1] / "docs/loaders.md"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for files, where the example is installed, with entry points whose module is gone."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    ((ending, value),) = re.findall(r'^(org) = "(.*)"$', DOCS.read_text(), re.MULTILINE)
    site = tmp_path / "site"
    info = site / "kb_loader_org-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "kb_loader_org.py").write_text(example)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kb-loader-org\nVersion: 1.0\n")
    gone = "gone = no_such_module:read\nmd = no_such_module:read"
    (info / "entry_points.txt").write_text(f"[kb.loaders]\n{ending} = {value}\n{gone}\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    loaders._added.cache_clear()
    yield tmp_path
    loaders._added.cache_clear()


def test_files_of_its_kind_are_found_and_read(package: Path) -> None:
    (package / "plan.org").write_text("* Plan\nThe launch moves.\n** Risks\nNone.\n")
    assert has_loader(package / "plan.org")
    with ReaderProcess() as reader:
        (document,) = reader.load(package / "plan.org", "plan.org")
    assert isinstance(document, Document)
    assert document.text == "Plan\n\nThe launch moves.\n\nRisks\n\nNone."
    assert document.blocks[-1].heading == ("Plan", "Risks")


def test_they_are_read_in_archives_too_and_a_broken_one_costs_its_own_files_only(package: Path) -> None:
    with ZipFile(package / "a.zip", "w") as archive:
        for name in ("a.gone", "b.org", "c.md"):
            archive.writestr(name, "words")
    documents, failures = load(package / "a.zip")
    assert [d.info.part for d in documents] == ["b.org", "c.md"]  # what kb reads itself stays so
    assert [f.part for f in failures] == ["a.gone"] and "no_such_module" in failures[0].reason
    (package / "d.gone").write_text("words")
    with pytest.raises(LoadError, match="can't be imported"):
        loader_for(package / "d.gone")


def test_without_the_package_its_files_are_of_a_kind_that_is_not_read() -> None:
    assert not has_loader(Path("plan.org"))


def test_files_are_read_anew_when_other_loaders_are_there(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a scan that was listed as unread would stay so after OCR was installed."""
    assert "kb_loader_org:read 1.0" in loaders.loaders_version()
    versions = set()
    for installed in (True, False):
        monkeypatch.setattr(loaders, "has_ocr", lambda installed=installed: installed)
        versions.add(loaders.loaders_version())
    assert len(versions) == 2
