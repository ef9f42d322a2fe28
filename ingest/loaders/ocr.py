"""Text in pictures, by rapidocr where it is installed (`pip install "kb-assistant[ocr]"`). It brings its models along,
so that nothing is fetched; a page takes some seconds on two cores."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import median
from typing import Any

from ingest.document import PartFailure
from ingest.loaders import understood
from ingest.loaders.pdf_lines import Line
from retrieval.errors import LoadError
from retrieval.text import clean

# What one is told who has not installed it.
MISSING = 'there is no text but in pictures: pip install "kb-assistant[ocr]" has them read'
# The seconds that the pages of one file may take together, and those for each MB of it. Less than a file as a whole may
# take (`ingest.worker`), so that what was read by then is not lost.
_SECONDS, _SECONDS_PER_MB = 40.0, 8.0
# A page of A4 at 200 dots an inch has 3.9 million pixels; more shows no more letters and takes longer.
MAX_PIXELS = 8_000_000
# Below this the recogniser guesses.
_LEAST_SCORE = 0.6
# Boxes of lines of one font differ in height by the letters in them. What is this much higher is a larger font.
_LARGER = 1.5


class Ocr:
    """Reads the pictures of one file, as long as its time lasts."""

    def __init__(self, file_bytes: int) -> None:
        self._seconds = _SECONDS + _SECONDS_PER_MB * file_bytes / 2**20
        self._until = time.monotonic() + self._seconds

    def failure(self, pages: Sequence[int]) -> PartFailure:
        """What to say about pages, counted from 1, that were not read."""
        return PartFailure(
            named(pages),
            f"the text in its picture was not read: it is damaged, or all took over {self._seconds:.0f} s",
        )

    def lines(self, pixels: Any, points: float) -> list[Line] | None:
        """The lines in a picture (an array of rows of pixels), from top to bottom; None when the time is over or it
        can't be read. A pixel is so many points high."""
        if time.monotonic() > self._until:
            return None
        try:
            with understood():
                return _even(list(_lines(pixels, points)))
        except LoadError:
            return None


def named(pages: Sequence[int]) -> str:
    """Pages, counted from 1, as the name of a part."""
    return f"page {', '.join(map(str, pages[:20]))}" + (" and more" if len(pages) > 20 else "")


def _lines(pixels: Any, points: float) -> Iterator[Line]:
    height = pixels.shape[0]
    found = _engine()(pixels)
    if found.boxes is None or found.txts is None:
        return
    for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
        shown = clean(text).strip()
        if shown and score >= _LEAST_SCORE:
            columns, rows = [float(x) for x, _ in box], [float(y) for _, y in box]
            size = round((max(rows) - min(rows)) * points, 1)
            yield Line(
                shown,
                min(columns) * points,
                max(columns) * points,
                (height - max(rows)) * points,
                size,
                bold=False,
            )


def _even(lines: list[Line]) -> list[Line]:
    """The lines with one size for those of about one size, else every line with a capital would be a heading."""
    usual = median(line.size for line in lines) if lines else 0.0
    return [line if line.size > _LARGER * usual else replace(line, size=usual) for line in lines]


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 2}
    )
