"""The sample documents as a knowledge base, made once for all tests that ask it questions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb import KnowledgeBase

SAMPLES = Path(__file__).parents[1] / "sample_docs"


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a knowledge base with the sample documents in it."""
    folder = tmp_path_factory.mktemp("samples") / "kb"
    with KnowledgeBase.open(folder, create=True) as kb:
        report = kb.ingest([SAMPLES])
    assert not report.failed
    return folder


@pytest.fixture(scope="session")
def sample_kb(sample_folder: Path) -> Iterator[KnowledgeBase]:
    """The same, opened; its language model is loaded by the first question."""
    with KnowledgeBase.open(sample_folder) as kb:
        yield kb
