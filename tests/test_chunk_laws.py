"""Whatever a loader makes of a file, its chunks are slices of the document's text, hold all of it that is indexed, and
fit the embedder's window: else a citation could not be proven, or a sentence not be found."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from chunking import cut
from formats import MAKERS
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import load

# Words of letters only, so that every format keeps them as they are; some that few tokens hold, and long ones.
WORDS = st.sampled_from(
    [*"the launch of Wren moved September budget naïve Größe антенна 東京都 antidisestablishmentarianism".split(),
     "Supercalifragilistic" * 8, "q" * 300]
)  # fmt: skip
SENTENCE = st.lists(WORDS, min_size=1, max_size=40).map(lambda words: " ".join(words) + ".")
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=12).map(" ".join)
_LATIN = re.compile(r"[A-Za-z]{3,}")


@pytest.mark.parametrize("suffix", sorted(MAKERS))
@settings(max_examples=6)
@given(paragraphs=st.lists(PARAGRAPH, min_size=1, max_size=6))
def test_chunks_of_any_file_hold_all_of_it_within_the_window(suffix: str, paragraphs: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"notes{suffix}"
        path.write_bytes(MAKERS[suffix](paragraphs))
        documents, failures = load(path)
    assert documents and not failures
    found = ""
    for document in documents:
        for chunk in cut(document):  # which checks the laws
            found += document.text[chunk.start : chunk.end] + "\n"
    words = set(_LATIN.findall(" ".join(paragraphs)))
    # A PDF breaks a word that is longer than its line; of the others every one must be there to be found.
    missing = {word for word in words if len(word) < 40} - set(_LATIN.findall(found))
    assert not missing
