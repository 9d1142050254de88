"""When two cells are the same graph."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

from wsrnas.networks.cells.cells import INPUTS, LabelledEdge, live_edges
from wsrnas.spaces.genotype import Cell


def canonical_cell(cell: Cell) -> str:
    """Return the smallest description of a cell over all names of its intermediate nodes.

    Edges that cannot change the output are dropped. Joined nodes are a set, parallel edges a bag.
    """
    edges = [cell.edges[i] for i in live_edges(cell.edges, cell.concat)]
    inner = sorted({node for _, *pair in edges for node in pair if node not in INPUTS} | set(cell.concat))
    best: tuple[list[tuple[int, int, str]], list[int]] | None = None
    for names in permutations(range(len(INPUTS), len(INPUTS) + len(inner))):
        rename = {**dict(zip(INPUTS, INPUTS)), **dict(zip(inner, names))}
        if any(rename[source] > rename[target] for _, source, target in edges):
            continue
        renamed = sorted((rename[target], rename[source], operation) for operation, source, target in edges)
        form = (renamed, sorted(rename[node] for node in cell.concat))
        if best is None or form < best:
            best = form
    if best is None:
        raise RuntimeError("the names a checked cell came with are always one of the permutations")
    shown = ",".join(f"{operation}({source}>{target})" for target, source, operation in best[0])
    return f"[{shown}|{','.join(str(node) for node in best[1])}]"


def canonical_expression(edges: Iterable[LabelledEdge], output: int) -> str:
    """Return what node `output` computes from node 0, written out with skip as identity and `none` as a cut, `#`.

    This is the string by which NAS-Bench-201 counts 6,466 distinct architectures. Equal strings are equal functions; it
    is a little finer than that, because a node cut off on several edges (`#+#`) is not recognised as empty.
    """
    nodes = {0: "0"}
    for target in range(1, output + 1):
        terms = []
        for operation, source, node in edges:
            if node == target:
                cut = operation == "none" or nodes[source] == "#"
                passed = nodes[source] if operation == "skip_connect" else f"({nodes[source]})@{operation}"
                terms.append("#" if cut else passed)
        nodes[target] = "+".join(sorted(terms))
    return nodes[output]
