"""Where the nodes and wires of a drawn cell go: columns by depth, few crossings, wires never behind a node.

The layered layout of Sugiyama, Tagawa and Toda (1981): a wire that passes a column gets a lane of its own there, lanes
and nodes of a column are ordered by the mean position of their neighbours, then moved towards them without overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

WIDTH, COLUMN_GAP = 148.0, 74.0
HEADER, PILL, PILL_GAP, PADDING = 24.0, 24.0, 6.0, 8.0
END_WIDTH, END_HEIGHT, ROW_GAP, LANE = 68.0, 40.0, 26.0, 4.0

Item = tuple[int, int]
"""(node, column): the node itself in its own column, a lane for its wires in a later one."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A placed node: its left edge, its centre line and its size."""

    left: float
    middle: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Boxes by node, lanes by (node, column), in pixels from the upper left corner."""

    boxes: dict[int, Box]
    lanes: dict[Item, float]
    columns: dict[int, int]
    width: float
    height: float

    def route(self, source: int, target: int, port: float) -> list[Point]:
        """Return the corners of the wire from a node to a height at the left edge of a later one."""
        box = self.boxes[source]
        points = [(box.left + box.width, box.middle)]
        for column in range(self.columns[source] + 1, self.columns[target]):
            left, middle = column_left(column), self.lanes[source, column]
            points += [(left, middle), (left + WIDTH, middle)]
        return [*points, (self.boxes[target].left, port)]


def column_left(column: int) -> float:
    """Return where a column begins; the first holds the narrow inputs."""
    return 0.0 if column == 0 else END_WIDTH + COLUMN_GAP + (column - 1) * (WIDTH + COLUMN_GAP)


def card_height(operations: int) -> float:
    """Return the height of a node with so many operations."""
    return HEADER + operations * (PILL + PILL_GAP) + PADDING - PILL_GAP + 4


def place(links: Sequence[tuple[int, int]], inputs: Sequence[int], output: int | None) -> Layout:
    """Lay out a cell given by its (source, target) links; `output` is the node drawn as the narrow end, if any."""
    columns = dict.fromkeys(inputs, 0)
    for node in sorted({target for _, target in links}):
        columns[node] = 1 + max((columns[source] for source, target in links if target == node), default=0)
    if output is not None:
        columns[output] = 1 + max(column for node, column in columns.items() if node != output)
    steps: set[tuple[Item, Item]] = set()
    for source, target in links:
        path = [(source, column) for column in range(columns[source], columns[target])] + [(target, columns[target])]
        steps |= set(pairwise(path))
    items = sorted({item for step in steps for item in step} | {(node, columns[node]) for node in inputs})
    ends = {*inputs, *({output} if output is not None else ())}

    def height(item: Item) -> float:
        if item[1] != columns[item[0]]:
            return LANE
        count = sum(target == item[0] for _, target in links)
        return END_HEIGHT if item[0] in ends else card_height(count)

    rows = [[item for item in items if item[1] == column] for column in range(1 + max(columns.values()))]
    middles = _positions(rows, steps, height)
    top = min(middles[item] - height(item) / 2 for item in items)
    bottom = max(middles[item] + height(item) / 2 for item in items)
    boxes = {
        node: Box(
            column_left(column),
            middles[node, column] - top,
            END_WIDTH if node in ends else WIDTH,
            height((node, column)),
        )
        for node, column in columns.items()
    }
    lanes = {item: middles[item] - top for item in items if item[1] != columns[item[0]]}
    return Layout(boxes, lanes, columns, max(box.left + box.width for box in boxes.values()), bottom - top)


def _positions(
    rows: list[list[Item]], steps: set[tuple[Item, Item]], height: Callable[[Item], float]
) -> dict[Item, float]:
    before: dict[Item, list[Item]] = {item: [] for row in rows for item in row}
    after: dict[Item, list[Item]] = {item: [] for row in rows for item in row}
    for left, right in sorted(steps):
        after[left].append(right)
        before[right].append(left)
    rank = {item: float(i) for row in rows for i, item in enumerate(row)}
    for sweep in range(12):
        neighbours = before if sweep % 2 == 0 else after
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wish = {
                item: fmean(rank[other] for other in neighbours[item]) if neighbours[item] else rank[item]
                for item in row
            }
            row.sort(key=wish.__getitem__)
            rank.update({item: i - (len(row) - 1) / 2 for i, item in enumerate(row)})
    middles = {item: rank[item] * 60 for row in rows for item in row}
    for _ in range(24):
        for row in rows:
            wishes = [fmean([middles[other] for other in before[item] + after[item]] or [0.0]) for item in row]
            gaps = [(height(a) + height(b)) / 2 + ROW_GAP for a, b in pairwise(row)]
            middles.update(zip(row, _spread(wishes, gaps)))
    return middles


def _spread(wishes: list[float], gaps: list[float]) -> list[float]:
    """Return positions nearest to the wishes (least squares) that keep the order and at least the gaps.

    Pool adjacent violators on the wishes less the gaps before them.
    """
    offsets = [sum(gaps[:i]) for i in range(len(wishes))]
    blocks: list[list[float]] = []
    for wish, offset in zip(wishes, offsets):
        blocks.append([wish - offset])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    flat = [fmean(block) for block in blocks for _ in block]
    return [position + offset for position, offset in zip(flat, offsets)]
