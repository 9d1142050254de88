"""What is refused: genotypes with unknown operations or impossible edges, choices and weights of the wrong size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from torch import Tensor

from wsrnas.errors import nearest, refuse
from wsrnas.networks.cells.operations import OPERATIONS
from wsrnas.spaces.genotype import CellGenotype, Genotype
from wsrnas.types import Choice


def check_operations(names: Iterable[str], known: Collection[str], *, argument: str = "genotype") -> None:
    """Refuse operations that are not among the known ones, naming the nearest."""
    for name in names:
        if name not in known:
            refuse(argument, expected="known operations", got=f"operation {name!r}", remedy=nearest(name, tuple(known)))


def check_genotype(
    genotype: Genotype, *, space: str, cells: Sequence[str], inputs: int, argument: str = "genotype"
) -> CellGenotype:
    """Return a genotype of cells, or refuse another space, other cells, unknown operations, edges that go nowhere."""
    if genotype.space != space:
        refuse(argument, expected=f"a genotype of space {space!r}", got=f"one of space {genotype.space!r}")
    if not isinstance(genotype, CellGenotype):
        refuse(argument, expected=f"the cells {', '.join(cells)}", got=genotype.payload)
    names = [name for name, _ in genotype.cells]
    if names != list(cells):
        refuse(argument, expected=f"the cells {', '.join(cells)}", got=", ".join(names) or "none")
    for name, cell in genotype.cells:
        check_operations((edge[0] for edge in cell.edges), OPERATIONS, argument=f"{argument}, {name} cell")
        for operation, source, target in cell.edges:
            if not 0 <= source < target or target < inputs:
                shown = f"{operation} from node {source} to node {target}"
                remedy = f"nodes below {inputs} are the cell's inputs, and every edge leads to a later node"
                refuse(
                    f"{argument}, {name} cell", expected="edges from earlier to later nodes", got=shown, remedy=remedy
                )
        fed = {target for _, _, target in cell.edges}
        stray = [node for node in cell.concat if node not in fed]
        if stray or not cell.concat:
            what = f"node {stray[0]}, which has none" if stray else "no node"
            refuse(f"{argument}, {name} cell", expected="joined nodes with at least one edge each", got=what)
        if len(set(cell.concat)) != len(cell.concat):
            refuse(f"{argument}, {name} cell", expected="each joined node once", got=cell.concat)
    return genotype


def check_choice(choice: Choice, rows: int, operations: int) -> None:
    """Refuse a choice of the wrong length or with an operation that does not exist."""
    if len(choice) != rows:
        refuse("choice", expected=f"one operation for each of {rows} edges", got=f"{len(choice)}")
    wrong = [k for k in choice if not -1 <= k < operations]
    if wrong:
        refuse("choice", expected=f"operation indices 0 to {operations - 1}, or -1 for no edge", got=wrong[0])


def check_arch_weights(arch_weights: Tensor, rows: int, operations: int) -> None:
    """Refuse weights that do not have a row per edge and a column per operation."""
    if tuple(arch_weights.shape) != (rows, operations):
        refuse("arch_weights", expected=f"shape ({rows}, {operations})", got=str(tuple(arch_weights.shape)))
