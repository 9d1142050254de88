"""The paper's printed rows, each with who measured it and how."""

from __future__ import annotations

from wsrnas import zoo
from wsrnas.evaluation.comparison.row import Row

PROTOCOLS_OF = {
    "authors": "paper, released protocol",
    "copied": "copied by the paper from another",
}
"""What the protocol column says of a printed row, by its source."""
CAUTION = (
    "Rows of the paper were measured with the released protocol: compare them with our released rows only, never with "
    "strict ones. Rows that the paper copied from other papers were measured by others in ways it does not say."
)
DRAWN = ("WsrNet-Basic PGD-7", "WsrNet-Robust PGD-7", "RACL PGD-7")
"""The paper's rows in the figure; the table has all of them."""
DATA, CLASSES, SHAPE = "cifar10", 10, [3, 32, 32]
"""What the rows of Tables 1 and 2 were measured on."""


def paper_rows() -> list[Row]:
    """Return the printed numbers, each labelled with the protocol they were measured with."""
    return [
        Row(
            name=f"{row.model} {row.result.training}",
            protocol=PROTOCOLS_OF[row.result.source],
            clean=row.result.natural / 100,
            accuracy={strength: value / 100 for strength, value in row.result.robust.items()},
            interval={},
        )
        for row in zoo.paper_rows()
    ]
