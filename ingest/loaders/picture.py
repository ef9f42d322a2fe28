"""Pictures of documents and whiteboards (.png, .jpg, .tiff and others): the text in them, where OCR is installed."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, ImageSequence, UnidentifiedImageError

from ingest.document import Document, PartFailure
from ingest.loaders.dates import day, day_in_name
from ingest.loaders.ocr import MAX_PIXELS, Ocr
from ingest.loaders.pdf import assembled
from ingest.loaders.pdf_lines import Line
from ingest.loaders.plain import title_from_name
from retrieval.errors import LoadError
from retrieval.types import DocumentInfo

# Pillow also knows formats that run other programs.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
# A camera's pictures have up to 200 million pixels; a few bytes may say that there are a million times more.
_MAX_DECODED = 200_000_000
_MAX_PAGES = 1000
# Icons and lines: no letter that one can read is that small.
_LEAST_SIDE = 40
# An A4 page's height: the unit in which sizes of lines are compared.
_POINTS = 842.0


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """A picture's text as one document; its pages are those of a TIFF. No document where there is no text. Raises
    LoadError when it is damaged or has too many pixels."""
    ocr = Ocr(len(data))
    pages: list[list[Line]] = []
    unread: list[int] = []
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            taken = _taken(image)
            for number, frame in enumerate(ImageSequence.Iterator(image), start=1):
                if number > _MAX_PAGES:
                    raise LoadError(f"it has more than {_MAX_PAGES} pages: split it")
                if frame.width * frame.height > _MAX_DECODED:
                    raise LoadError(f"it has {frame.width} x {frame.height} pixels: make it smaller")
                lines = (
                    ocr.lines(pixels := _pixels(frame), _POINTS / pixels.shape[0])
                    if _is_readable(frame)
                    else []
                )
                pages.append(lines or [])
                if lines is None:
                    unread.append(number)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise LoadError(
            f"the picture is damaged or of another format than its name says ({type(error).__name__})"
        ) from None
    if unread:
        yield ocr.failure(unread)
    if any(pages):
        text, blocks = assembled(pages, {})
        date = day(taken[:10].replace(":", "-")) or day_in_name(name)
        yield Document(DocumentInfo(doc, "", "text", title_from_name(name), date=date), text, blocks)


def _is_readable(image: Image.Image) -> bool:
    return min(image.size) >= _LEAST_SIDE


def _pixels(image: Image.Image) -> Any:
    """The picture upright, on white, no larger than needed."""
    if image.width * image.height > MAX_PIXELS:
        share = (MAX_PIXELS / (image.width * image.height)) ** 0.5
        image.draft(
            "RGB", (int(image.width * share), int(image.height * share))
        )  # JPEG is decoded smaller at once
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    shown = upright.convert("RGB")
    share = (MAX_PIXELS / (shown.width * shown.height)) ** 0.5
    if share < 1:
        shown = shown.resize((max(int(shown.width * share), 1), max(int(shown.height * share), 1)))
    return np.asarray(shown)


def _taken(image: Image.Image) -> str:
    """When a camera took the picture."""
    exif = image.getexif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    return str(inner.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime) or "")
