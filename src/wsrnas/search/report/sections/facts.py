"""What a search depends on, in one table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.page import Page
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.types import format_strength


@final
@dataclass(frozen=True, kw_only=True)
class Facts(Section):
    """The settings and the machine that this result depends on."""

    name: ClassVar[str] = "facts"

    def add(self, page: Page, record: SearchRecord) -> None:
        known = [format_strength(strength) for strength in record.result.get("known") or []]
        estimated = [format_strength(strength) for strength in record.result.get("estimated") or []]
        objective = record.result.get("objective") or {}
        weights = ", ".join(f"{weight:.3g}" for weight in objective.get("strength_weights") or [])
        cost = record.result.get("cost") or next(
            (line["cost"] for line in reversed(record.metrics) if line.get("cost") is not None), None
        )
        rows = [
            ("recipe", record.setting("recipe")),
            ("preset", record.setting("preset")),
            ("method", record.method),
            ("architectures", f"{record.setting('budget.population')} + {record.setting('budget.iterations')}"),
            ("seed", record.setting("seed")),
            ("data", record.data),
            ("search space", record.result.get("space") or record.setting("space.name")),
            ("strengths attacked", ", ".join(known) or None),
            ("strengths estimated", ", ".join(estimated) or ("none" if known else None)),
            ("gradient steps on every estimate", record.setting("noise_estimator.refine")),
            ("weight of the clean loss", objective.get("clean_weight")),
            ("weights of the strengths", weights or None),
            ("network passes, one image each", None if cost is None else f"{float(cost):,.0f}"),
            ("device", record.setting("runtime.device")),
            ("graphics card", record.env.get("cuda") or "none"),
            ("precision", record.setting("runtime.precision")),
            ("threads", record.env.get("threads")),
            ("wsrnas", record.env.get("wsrnas")),
            ("PyTorch", record.env.get("torch")),
            ("Python", record.env.get("python")),
            ("system", record.env.get("platform")),
            ("started", record.env.get("created")),
        ]
        page.section(
            "Facts of this run", "All settings are in config.yaml of the run folder; everything here is read from it."
        )
        shown = [(name, _plain(value)) for name, value in rows if value is not None]
        page.table(["setting", "value"], shown, "What this result depends on.")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
