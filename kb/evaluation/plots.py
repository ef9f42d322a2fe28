"""Small plots as inline SVG. Colours are the page's (`--good` and so on); no text but numbers and our own words."""

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 300, 170
_COLOURS = ("good", "bad", "mild", "calm", "odd")


def bar(share: float) -> str:
    """A share (0 to 1) as a bar."""
    full, high = 120, 9
    done = round(full * min(max(share, 0.0), 1.0), 1)
    return (
        f'<svg width="{full}" height="{high}" role="img" aria-label="{share:.3f}">'
        f'<rect width="{full}" height="{high}" rx="2" fill="var(--line)"/>'
        f'<rect width="{done}" height="{high}" rx="2" fill="var(--calm)"/></svg>'
    )


def stacked(counts: Mapping[str, int]) -> str:
    """Counts as parts of one bar, with a legend; five at most."""
    total, thick, line = max(sum(counts.values()), 1), 26, 20
    shapes, at = [], 0.0
    for number, (name, count) in enumerate(counts.items()):
        wide = _WIDTH * count / total
        fill = f"var(--{_COLOURS[number]})"
        shapes.append(f'<rect x="{at:.1f}" width="{wide:.1f}" height="{thick}" fill="{fill}"/>')
        at += wide
        y = thick + 14 + line * number
        shapes.append(f'<rect y="{y}" width="11" height="11" rx="2" fill="{fill}"/>')
        shapes.append(f'<text x="18" y="{y + 10}">{count} {escape(name)}</text>')
    return _svg(_WIDTH, thick + 14 + line * len(counts), "".join(shapes))


def columns(counts: Mapping[str, int]) -> str:
    """Counts as columns, each with its number above and its name below."""
    most, low = max([*counts.values(), 1]), _HEIGHT - 20
    step = _WIDTH / max(len(counts), 1)
    shapes = []
    for number, (name, count) in enumerate(counts.items()):
        high, middle = (low - 18) * count / most, step * (number + 0.5)
        fill = "var(--bad)" if name == "none" else "var(--calm)"
        shapes.append(
            f'<rect x="{middle - step * 0.36:.1f}" y="{low - high:.1f}" width="{step * 0.72:.1f}" '
            f'height="{high:.1f}" fill="{fill}"/>'
        )
        if count:
            shapes.append(
                f'<text x="{middle:.1f}" y="{low - high - 4:.1f}" text-anchor="middle">{count}</text>'
            )
        shapes.append(
            f'<text class="soft" x="{middle:.1f}" y="{low + 15}" text-anchor="middle">{escape(name)}</text>'
        )
    return _svg(_WIDTH + 10, _HEIGHT, "".join(shapes))  # the last name is wider than its column


def curve(points: Sequence[tuple[float, float]], across: str, up: str) -> str:
    """Points of two shares, joined by a line, between axes from 0 to 1 (across) and to the next tenth (up)."""
    left, low, right = 34, _HEIGHT - 34, _WIDTH - 8
    top = min(1.0, (int(10 * max(y for _, y in points)) + 1) / 10)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * x, low - (low - 8) * y / top

    shapes = []
    for tick in (0.0, 0.5, 1.0):
        x, _ = place(tick, 0)
        shapes.append(f'<text class="soft" x="{x:.1f}" y="{low + 15}" text-anchor="middle">{tick:g}</text>')
        _, y = place(0, tick * top)
        shapes.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>')
        shapes.append(
            f'<text class="soft" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick * top:g}</text>'
        )
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
    shapes.append(f'<polyline points="{drawn}" fill="none" stroke="var(--calm)" stroke-width="2"/>')
    x, y = place(*points[-1])
    shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="var(--calm)"/>')
    shapes.append(
        f'<text class="soft" x="{right}" y="{_HEIGHT - 2}" text-anchor="end">{escape(across)}</text>'
    )
    shapes.append(f'<text class="soft" x="{left + 4}" y="22">{escape(up)}</text>')
    return _svg(_WIDTH, _HEIGHT, "".join(shapes))


def _svg(width: int, height: int, shapes: str) -> str:
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">{shapes}</svg>'
