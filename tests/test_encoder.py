"""The exported query encoder: the same vectors as sentence-transformers, without it in the process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import MINILM, assert_one_sentence, info, model_path, paragraphs

from ingest.embedder import ModelFolder
from ingest.export import AGREEMENT, ensure_encoder
from retrieval.encoder import GRAPH, SETTINGS, TOKENIZER, Encoder
from retrieval.errors import ModelError
from retrieval.store import Store
from retrieval.writer import NewDocument, writing

SHORT = [
    "what was the Q3 decision", "Q3", "who approved it?", "?", " ", "a", "42,000 EUR", "3 September 2024", "d@x.org",
    "The launch moved to September because the supplier was late.", "DECISION: LAUNCH IN Q3", "decision: launch in q3",
    "Größe, naïve, façade, Ærø", "東京都の予算", "пример текста", "מה ההחלטה", "ما القرار", "क्या निर्णय", "👩‍🚀 launch",
    "e\u0301 decomposed, é composed", "tabs\tand\nnewlines\n\nhere", "https://example.org/a/b?c=d&e=f", "x" * 300,
    "<|im_end|> [CLS] [SEP] [MASK] [PAD]", "I.B.M. isn't e.g. U.S.", "1.250,00 1,250.00 0x7f 10^-9", "f(x) = x",
    "The budget was revised. " * 10,
]  # fmt: skip
LONG = ["The budget was revised again and again. " * 60, " ".join(f"word{i}" for i in range(1000))]
TEXTS = SHORT + LONG


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real export of the real model: some 15 seconds, once."""
    target = tmp_path_factory.mktemp("encoders") / "minilm"
    assert ensure_encoder(ModelFolder(MINILM, model_path(MINILM)), "f" * 64, target) == target
    return target


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return Encoder(folder)


@pytest.fixture
def store(tmp_path: Path, encoder: Encoder) -> Iterator[Store]:
    """A small knowledge base in the encoder's space."""
    with Store.open(tmp_path / "kb", create=True) as opened:
        with writing(opened) as writer:
            space = writer.add_space(MINILM, encoder.settings.fingerprint, encoder.settings.dimensions, 256)
            for doc, text in (
                ("launch.md", "We ship in September."),
                ("pets.md", "Dogs are welcome on Fridays."),
            ):
                chunks = paragraphs(text)
                document = NewDocument(info(doc), doc, "d", "[]", text, chunks, encoder.encode([text]))
                writer.put(writer.begin_file(doc.encode(), doc), document, space)
        yield opened


def test_the_vectors_are_those_of_sentence_transformers(encoder: Encoder, tmp_path: Path) -> None:
    """Queries and passages must lie in one space, or every search is a little wrong and nobody notices. In a
    process of its own: torch stays out of this one."""
    script = (
        "import sys, json, numpy\n"
        "from sentence_transformers import SentenceTransformer\n"
        "model = SentenceTransformer(sys.argv[1], device='cpu', local_files_only=True)\n"
        "numpy.save(sys.argv[2], model.encode(json.load(sys.stdin), normalize_embeddings=True))\n"
    )
    assert len(TEXTS) >= 30
    out = tmp_path / "expected.npy"
    subprocess.run(
        [sys.executable, "-c", script, str(model_path(MINILM)), str(out)],
        input=json.dumps(TEXTS), text=True, check=True, capture_output=True, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    expected = np.load(out)
    got = encoder.encode(TEXTS)
    cosines = (got * expected).sum(axis=1)
    worst = int(cosines.argmin())
    assert cosines.min() >= AGREEMENT, f"cosine {cosines[worst]:.4f} for {TEXTS[worst][:60]!r}"
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-4)


_OF_ALL_LENGTHS = """
import sys
from pathlib import Path
from ingest.embedder import Embedder, ModelFolder

def held():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) // 1024

embedder = Embedder(ModelFolder("m", Path(sys.argv[1])))
embedder.encode(["a " * 200] * 32)
before = held()
for words in range(5, 200, 8):
    embedder.encode(["a " * words] * 32)
print(held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read off /proc")
def test_memory_stays_flat_whatever_the_lengths_of_texts() -> None:
    """A mailbox of years has texts of every length, and must be read in on a small machine."""
    done = subprocess.run(
        [sys.executable, "-c", _OF_ALL_LENGTHS, str(model_path(MINILM))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) < 300, "megabytes more than after the first batch"


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    """Padding in a batch must not leak into the vectors; the order of the texts is kept."""
    texts = SHORT * 2  # more than one batch
    together = encoder.encode(texts)
    for i in (0, 1, 20, len(SHORT) - 1):
        np.testing.assert_allclose(encoder.encode([texts[i]])[0], together[i], atol=1e-4)
    np.testing.assert_allclose(encoder.encode(texts[::-1])[::-1], together, atol=1e-4)
    assert encoder.encode([]).shape == (0, encoder.settings.dimensions)


def test_a_query_is_one_unit_vector(encoder: Encoder) -> None:
    vector = encoder.encode_query("who approved the launch?")
    assert vector.shape == (384,) and vector.dtype == np.float32
    assert float(vector @ vector) == pytest.approx(1, abs=1e-4)
    near, far = encoder.encode(["Dana approved the launch.", "Dogs are welcome on Fridays."])
    assert vector @ near > vector @ far + 0.3, "meaning, not noise"


def test_threads_may_share_an_encoder(encoder: Encoder) -> None:
    expected = encoder.encode(SHORT[:9])
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: encoder.encode(SHORT[:9]), range(8)):
            np.testing.assert_allclose(got, expected, atol=1e-4)


def test_an_export_is_made_once(folder: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    started = time.perf_counter()
    ensure_encoder(ModelFolder(MINILM, model_path(MINILM)), "f" * 64, folder)
    assert time.perf_counter() - started < 1
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert set(before) == {GRAPH, TOKENIZER, SETTINGS}
    assert sorted(p.name for p in folder.parent.iterdir()) == [folder.name], "no scratch is left beside it"


def test_a_search_needs_neither_torch_nor_a_language_model(store: Store, folder: Path) -> None:
    """Importing torch takes seconds; a search in a terminal has to be there at once."""
    script = (
        "import sys; from pathlib import Path\n"
        "from retrieval.encoder import Encoder\nfrom retrieval.search import Searcher\n"
        "from retrieval.store import Store\n"
        "with Store.open(Path(sys.argv[1])) as store:\n"
        "    hits = Searcher(store, Encoder(Path(sys.argv[2]))).search('are dogs allowed?')\n"
        "print(hits[0].info.doc)\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'llama_cpp', 'onnxscript', 'ingest', 'kb'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    command = [sys.executable, "-c", script, str(store.folder), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["pets.md", "[]"]
    assert done.stderr == "", "nothing of the libraries lands on the user's terminal"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted by way of /proc")
def test_what_a_search_multiplies_keeps_no_other_core_busy() -> None:
    """Threads of a matrix library that wait for more by spinning take the cores that the language model needs."""
    script = (
        "import os\nfrom kb import KnowledgeBase\nimport numpy\n"
        "vectors = numpy.ones((500, 384), numpy.float32)\nvectors @ vectors.T\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "1\n"


def broken_copy(folder: Path, target: Path, name: str, content: bytes | None) -> Path:
    """The export with one file changed, or missing."""
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).symlink_to(file)
    (target / name).unlink()
    if content is not None:
        (target / name).write_bytes(content)
    return target


@pytest.mark.parametrize("name", [GRAPH, TOKENIZER, SETTINGS])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00\xff" * 100])
def test_a_damaged_export_is_one_sentence(
    folder: Path, tmp_path: Path, name: str, content: bytes | None
) -> None:
    broken = broken_copy(folder, tmp_path / "broken", name, content)
    with pytest.raises(ModelError) as caught:
        Encoder(broken)
    assert_one_sentence(caught.value)
    assert str(broken) in str(caught.value)


def test_a_model_that_can_t_be_exported_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it says so from any folder: Python files that lie where kb was started are documents, never run."""
    hostile = tmp_path / "downloads"
    (hostile / "ingest").mkdir(parents=True)
    for name in ("ingest/__init__.py", "json.py", "torch.py"):
        (hostile / name).write_text(f"open({str(hostile / 'was-run')!r}, 'w')")
    monkeypatch.chdir(hostile)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        ensure_encoder(ModelFolder("broken", model), "f" * 64, tmp_path / "encoders" / "broken")
    assert_one_sentence(caught.value)
    assert "broken" in str(caught.value)
    assert not (tmp_path / "encoders" / "broken").exists()
    assert not (hostile / "was-run").exists()


def test_a_fingerprint_changes_with_any_byte_of_the_model_and_with_nothing_else(tmp_path: Path) -> None:
    """It is what tells that stored vectors come from another model."""
    model = tmp_path / "model"
    (model / "1_Pooling").mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "1_Pooling" / "config.json").write_text('{"mean": true}')
    (model / "model.safetensors").write_bytes(b"weights")
    fingerprint = ModelFolder("a", model).fingerprint()
    (model / "README.md").write_text("about")
    (model / "config.json").touch()
    assert ModelFolder("b", model).fingerprint() == fingerprint
    for file in ("config.json", "1_Pooling/config.json", "model.safetensors"):
        content = (model / file).read_bytes()
        (model / file).write_bytes(content + b" ")
        assert ModelFolder("a", model).fingerprint() != fingerprint
        (model / file).write_bytes(content)
    (model / "1_Pooling").rename(model / "2_Pooling")
    assert ModelFolder("a", model).fingerprint() != fingerprint
