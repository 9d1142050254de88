"""The paper's printed rows, each with who measured it and how."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from wsrnas.evaluation.row import Row

PROTOCOLS_OF = {
    "authors": "paper, released protocol",
    "copied": "copied by the paper from another, protocol unknown",
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
    stored: dict[str, Any] = json.loads(
        resources.files("wsrnas.evaluation").joinpath("paper_rows.json").read_text(encoding="utf-8")
    )
    return [
        Row(
            name=f"{row['model']} {row['training']}",
            protocol=PROTOCOLS_OF[row["source"]],
            clean=row["clean"] / 100,
            accuracy={float(strength): value / 100 for strength, value in row["accuracy"].items()},
            interval={},
        )
        for row in stored["rows"]
    ]
