"""A folder in the layout of Hugging Face's hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import nn

from wsrnas.evaluation.folder.robustbench import model_card as robustbench_card
from wsrnas.evaluation.folder.summary import finished
from wsrnas.export.base import ExportFormat, Subject
from wsrnas.files import write_atomic
from wsrnas.models.exported import load_exported
from wsrnas.weights.hub import CARD


@dataclass(frozen=True, kw_only=True)
class Hub(ExportFormat):
    """model.safetensors, config.json, a model card, and RobustBench's JSON where the network was evaluated.

    `wsrnas push` uploads it; `wsrnas.load` and `HubClassifier.from_pretrained` read it, here or on the hub.
    """

    name: ClassVar[str] = "hub"

    def write(self, subject: Subject, place: Path) -> None:
        """Write the folder."""
        # The hub's library is imported where it is used: it takes a share of every start otherwise.
        from wsrnas.export.card import card
        from wsrnas.models.hub import HubClassifier

        model = HubClassifier(described=subject.contract())
        model.network.load_state_dict(subject.model.network.state_dict())
        model.eval().save_pretrained(place, config={"described": _plain(subject)})
        measured = {} if subject.run is None else finished(subject.run)
        write_atomic(place / CARD, str(card(subject, measured)))
        for name, result in measured.items():
            dataset = str((subject.description.data or {}).get("name", "unknown"))
            fields = robustbench_card(result, name=subject.name, dataset=dataset)
            write_atomic(place / f"robustbench-{name}.json", json.dumps(fields, indent=1) + "\n")

    def read(self, place: Path) -> nn.Module:
        """Build the network anew and load the weights strictly."""
        return load_exported(str(place))[0]


def _plain(subject: Subject) -> dict[str, object]:
    return dict(json.loads(subject.metadata()))
