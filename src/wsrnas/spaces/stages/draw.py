"""A network of stages drawn as one SVG: a card per stage, a bar per block, its height the resolution of what it makes
and its thickness the width."""

from __future__ import annotations

from typing import NamedTuple

from wsrnas.spaces.shapes import FAINT, drawing, rect, text
from wsrnas.spaces.stages.genotype import Stage, StageGenotype

COLOURS = {
    "basic": ("#bfdbfe", "#1e40af"),
    "bottleneck": ("#e9d5ff", "#6b21a8"),
    "inverted": ("#fef3c7", "#b45309"),
    "dense": ("#dcfce7", "#15803d"),
}
STEM, END, WIRE, QUIET = ("#e2e8f0", "#475569"), "#334155", "#64748b", "#475569"
ACTIVATIONS = {"relu": "ReLU", "silu": "SiLU", "gelu": "GELU"}
ORDERS = {"pre": "before", "post": "after"}
MARGIN, GAP, END_WIDTH, PADDING = 28.0, 30.0, 64.0, 14.0
TALLEST, SHORTEST, WIDEST = 104.0, 7.0, 230.0
TOP, HEADER, LINE = 62.0, 26.0, 18.0
CARD, MIDDLE = HEADER + TALLEST + 16 + 3 * LINE + 6, TOP + HEADER + 8 + TALLEST / 2


class Bar(NamedTuple):
    """A block as it is drawn: colours, width in units of the stem's, and how often the resolution was halved."""

    fill: str
    ink: str
    width: int
    halvings: int


def draw_stages(genotype: StageGenotype) -> str:
    """Return image, stem, stages and classifier from left to right, with a legend of the kinds of blocks."""
    whole = (
        f"{ACTIVATIONS[genotype.activation]} · {genotype.normalisation} normalisation and activation "
        f"{ORDERS[genotype.order]} the convolutions"
    )
    body = [text(MARGIN, MARGIN + 10, whole, size=14.0, weight=600)]
    left = _end(MARGIN, "image", body)
    scale = min(1.0, *(WIDEST / (stage.depth * (_thickness(stage.width) + 4)) for stage in genotype.stages))
    halvings = 1 if genotype.stem == "patchify" else 0
    left = _card(left, _title("stem", halvings), [Bar(*STEM, 1, halvings)], [genotype.stem], scale, body)
    for place, stage in enumerate(genotype.stages, start=1):
        halvings += stage.stride - 1
        bars = [Bar(*COLOURS[stage.block], stage.width, halvings)] * stage.depth
        left = _card(left, _title(f"stage {place}", stage.stride - 1), bars, _lines(stage), scale, body)
    right = _end(left, "classes", body) - GAP
    legend = [kind for kind in COLOURS if any(stage.block == kind for stage in genotype.stages)]
    below = TOP + CARD + 20
    x = MARGIN
    for kind in legend:
        fill, ink = COLOURS[kind]
        body += [
            rect(x, below, 16.0, 16.0, fill, ink, radius=4.0, line=0.8),
            text(x + 23, below + 12.5, kind, fill=QUIET),
        ]
        x += 46 + 6.8 * len(kind)
    body.append(
        text(x, below + 12.5, "a bar is a block: the higher, the more pixels; the thicker, the wider", fill=QUIET)
    )
    width = max(right + MARGIN, x + 420, 26 + 7.6 * len(whole))
    return drawing(f"Stages of genotype {genotype.id}", width, below + 16 + MARGIN, body)


def _title(name: str, halved: int) -> str:
    return f"{name} · half size" if halved else name


def _lines(stage: Stage) -> list[str]:
    found = [f"{stage.depth} × {stage.block} {stage.kernel}×{stage.kernel}", f"width ×{stage.width}"]
    return found + (["squeeze and excite"] if stage.squeeze else [])


def _thickness(width: int) -> float:
    return 4 + 2.4 * min(width, 12)


def _card(left: float, title: str, bars: list[Bar], lines: list[str], scale: float, body: list[str]) -> float:
    """Add a card of bars with some lines below; return where the next card begins."""
    inner = scale * (sum(_thickness(bar.width) + 4 for bar in bars) - 4)
    width = max(inner, *(6.6 * len(line) for line in lines), 6.9 * len(title)) + 2 * PADDING
    body.append(rect(left, TOP, width, CARD, "#f8fafc", FAINT, radius=10.0))
    body.append(text(left + PADDING, TOP + 19, title, size=11.5, weight=600, fill=QUIET))
    x = left + (width - inner) / 2
    for bar in bars:
        height, thick = max(TALLEST / 2**bar.halvings, SHORTEST), scale * _thickness(bar.width)
        body.append(
            rect(x, MIDDLE - height / 2, thick, height, bar.fill, bar.ink, radius=min(4.0, thick / 3), line=0.8)
        )
        x += thick + 4 * scale
    for place, line in enumerate(lines):
        body.append(text(left + width / 2, TOP + HEADER + TALLEST + 16 + LINE * (place + 0.75), line, anchor="middle"))
    return _wire(left + width, body)


def _end(left: float, title: str, body: list[str]) -> float:
    body.append(rect(left, MIDDLE - 20, END_WIDTH, 40.0, END, END, radius=10.0))
    body.append(text(left + END_WIDTH / 2, MIDDLE + 4.5, title, weight=600, fill="#f8fafc", anchor="middle"))
    return _wire(left + END_WIDTH, body) if title == "image" else left + END_WIDTH + GAP


def _wire(left: float, body: list[str]) -> float:
    body.append(
        f'<path d="M{left + 3:.1f} {MIDDLE:.1f}H{left + GAP - 5:.1f}m-5 -4l5 4l-5 4" fill="none" stroke="{WIRE}" '
        'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>'
    )
    return left + GAP
