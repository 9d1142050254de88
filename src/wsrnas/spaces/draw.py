"""Cells drawn as one SVG, without graphviz: each node is a card of its operations, wires show what they read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from wsrnas.spaces.genotype import Cell, CellGenotype
from wsrnas.spaces.layout import HEADER, PILL, PILL_GAP, Box, Layout, Point, place
from wsrnas.spaces.shapes import FAINT, drawing, rect, text

TITLES = {"normal": "Normal cell", "reduce": "Reduction cell", "cell": "Cell"}
COLOURS = {
    "none": ("#f1f5f9", "#94a3b8"),
    "skip_connect": ("#fef3c7", "#b45309"),
    "max_pool_3x3": ("#ccfbf1", "#0f766e"),
    "avg_pool_3x3": ("#dcfce7", "#15803d"),
    "sep_conv_3x3": ("#dbeafe", "#1d4ed8"),
    "sep_conv_5x5": ("#bfdbfe", "#1e40af"),
    "sep_conv_7x7": ("#93c5fd", "#1e3a8a"),
    "dil_conv_3x3": ("#f3e8ff", "#7e22ce"),
    "dil_conv_5x5": ("#e9d5ff", "#6b21a8"),
    "conv_7x1_1x7": ("#ffe4e6", "#be123c"),
    "nor_conv_1x1": ("#e0e7ff", "#4338ca"),
    "nor_conv_3x3": ("#c7d2fe", "#3730a3"),
}
MARGIN, TITLE = 28.0, 36.0
JOINED = "#b6c2d1"
ENDS, WIRES = ("#334155", "#0e7490"), ("#64748b", "#0891b2")
"""Colours of the inputs and of the wires that leave them; other nodes have the first's."""


def draw_genotype(genotype: CellGenotype) -> str:
    """Return all cells of a genotype, one under another, with a legend of the operations that occur."""
    body, top, width = [], MARGIN, 420.0
    for name, cell in genotype.cells:
        graph, cell_width, height = _draw_cell(cell, inputs=1 if genotype.space == "nb201" else 2)
        body.append(text(MARGIN, top + 16, TITLES.get(name, name), size=17.0, weight=600))
        body.append(f'<g transform="translate({MARGIN:g} {top + TITLE:g})">{graph}</g>')
        top += TITLE + height + MARGIN
        width = max(width, cell_width + 2 * MARGIN)
    used = {operation for _, cell in genotype.cells for operation, _, _ in cell.edges}
    joined = any(len(cell.concat) > 1 for _, cell in genotype.cells)
    legend, height = _legend([name for name in COLOURS if name in used], joined=joined, width=width - 2 * MARGIN)
    body.append(f'<g transform="translate({MARGIN:g} {top:g})">{legend}</g>')
    top += height + MARGIN
    return drawing(f"Cells of genotype {genotype.id}", width, top, body)


def _draw_cell(cell: Cell, *, inputs: int) -> tuple[str, float, float]:
    single = len(cell.concat) == 1
    output = None if single else 1 + max(max(edge[2] for edge in cell.edges), *cell.concat)
    links = [(source, target) for _, source, target in cell.edges]
    layout = place(links + ([] if output is None else [(node, output) for node in cell.concat]), range(inputs), output)
    wires: dict[str, None] = {}
    boxes = []
    if output is not None:
        end = layout.boxes[output]
        for node in cell.concat:
            wires.update(_wire(layout.route(node, output, end.middle), JOINED))
        boxes.append(_end(end, "output", ENDS[0]))
    names = ("input",) if inputs == 1 else ("c(k−2)", "c(k−1)")
    boxes += [_end(layout.boxes[node], name, ENDS[node]) for node, name in enumerate(names)]
    for node in sorted({target for _, target in links}):
        edges = [(operation, source) for operation, source, target in cell.edges if target == node]
        boxes.append(_card(layout, node, edges, "output" if single and node in cell.concat else f"node {node}", wires))
    return "".join([*wires, *boxes]), layout.width, layout.height


def _card(layout: Layout, node: int, edges: list[tuple[str, int]], title: str, wires: dict[str, None]) -> str:
    box = layout.boxes[node]
    top = box.middle - box.height / 2
    parts = [
        _rect(box, "#f8fafc", FAINT, 10.0),
        text(box.left + 12, top + 17, title, size=11.5, weight=600, fill="#475569"),
    ]
    arriving = sorted(edges, key=lambda edge: layout.route(edge[1], node, 0.0)[-2][1])
    for i, (operation, source) in enumerate(arriving):
        fill, ink = COLOURS.get(operation, ("#e2e8f0", "#334155"))
        y = top + HEADER + i * (PILL + PILL_GAP)
        pill = Box(box.left + 8, y + PILL / 2, box.width - 16, PILL)
        parts.append(_rect(pill, fill, ink if operation != "none" else FAINT, PILL / 2, thin=True))
        parts.append(text(pill.left + pill.width / 2, y + 16.5, label(operation), fill=ink, anchor="middle"))
        colour = WIRES[source] if layout.columns[source] == 0 else WIRES[0]
        wires.update(_wire(layout.route(source, node, pill.middle), colour, dashed=operation == "none"))
    return "".join(parts)


def label(operation: str) -> str:
    """Return an operation's name as people read it: `sep conv 3×3`."""
    words = operation.split("_")
    return " ".join(word.replace("x", "×") if word[0].isdigit() else word for word in words)


def _wire(points: Sequence[Point], colour: str, *, dashed: bool = False) -> dict[str, None]:
    """Return the pieces of a wire as an ordered set, so that a piece shared by several wires is drawn once."""
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    pieces: dict[str, None] = {}
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (x0 + x1) / 2
        path = f"M{x0:.1f} {y0:.1f}C{bend:.1f} {y0:.1f} {bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        piece = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linecap="round"{dash}/>'
        pieces[piece] = None
    return pieces


def _rect(box: Box, fill: str, stroke: str, radius: float, *, thin: bool = False) -> str:
    top = box.middle - box.height / 2
    return rect(box.left, top, box.width, box.height, fill, stroke, radius=radius, line=0.8 if thin else 1.2)


def _end(box: Box, title: str, colour: str) -> str:
    return _rect(box, colour, colour, 10.0) + text(
        box.left + box.width / 2, box.middle + 4.5, title, weight=600, fill="#f8fafc", anchor="middle"
    )


def _legend(operations: list[str], *, joined: bool, width: float) -> tuple[str, float]:
    parts: list[str] = []
    x, y = 0.0, 0.0
    for operation in [*operations, *(["joined"] if joined else [])]:
        title = "outputs joined along the channels" if operation == "joined" else label(operation)
        needed = 46 + 6.8 * len(title)
        if x and x + needed > width:
            x, y = 0.0, y + 24
        if operation == "joined":
            parts += _wire([(x, y + 8), (x + 16, y + 8)], JOINED)
        else:
            fill, ink = COLOURS[operation]
            parts.append(_rect(Box(x, y + 8, 16.0, 16.0), fill, ink, 4.0, thin=True))
        parts.append(text(x + 23, y + 12.5, title, fill="#334155"))
        x += needed
    return "".join(parts), y + 16
