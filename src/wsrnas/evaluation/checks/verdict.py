"""What the checks found, in plain words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wsrnas.evaluation.checks.flags import FLAGS
from wsrnas.evaluation.statistics import wilson_interval

State = Literal["ok", "flag", "not run"]
FEW = 100
"""Below so many images the verdict says what they can show."""
_MARKS = {"ok": "ok     ", "flag": "FLAG   ", "not run": "not run"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: its flag's name, what came out and the evidence for it."""

    name: str
    state: State
    evidence: str

    def __post_init__(self) -> None:
        if self.name not in FLAGS:
            raise KeyError(f"{self.name} is not in the registry of flags")

    def __str__(self) -> str:
        """Return the verdict, the evidence and, where flagged, what it means and what to do."""
        line = f"{_MARKS[self.state]} {self.name}: {self.evidence}"
        if self.state == "flag":
            flag = FLAGS[self.name]
            line += f"\n          {flag.meaning}\n          What to do: {flag.remedy}"
        return line


@dataclass(frozen=True)
class Verdict:
    """The findings of all checks; `ok` when none was flagged."""

    findings: tuple[Finding, ...]
    images: int
    norm: str

    @property
    def flags(self) -> list[str]:
        """Names of the checks that were flagged, each once."""
        return list(dict.fromkeys(one.name for one in self.findings if one.state == "flag"))

    @property
    def ok(self) -> bool:
        """Whether nothing was flagged."""
        return not self.flags

    @property
    def exit_code(self) -> int:
        """0 when nothing was flagged, else 1."""
        return 0 if self.ok else 1

    def __str__(self) -> str:
        """Return the overall verdict, then every finding, flagged ones first."""
        run = sum(one.state != "not run" for one in self.findings)
        on = f"{run} checks on {self.images} image{'s' if self.images > 1 else ''}"
        if self.ok:
            head = f"No sign of an overestimated robustness in {on}."
        else:
            head = (
                f"Do not believe robustness numbers of this model yet: {len(self.flags)} of {on} were flagged "
                f"({', '.join(self.flags)})."
            )
        if run < len(self.findings):
            head += f" {len(self.findings) - run} checks were not run."
        if self.images < FEW:
            head += (
                f" Few images: a share of {self.images} is known to ±{100 * self.interval:.0f} points, and checks that "
                f"compare shares see only larger differences."
            )
        order = {"flag": 0, "not run": 1, "ok": 2}
        return "\n".join([head, *(str(one) for one in sorted(self.findings, key=lambda one: order[one.state]))])

    @property
    def interval(self) -> float:
        """Half the width of the 95 % interval of a share of one half among the images."""
        low, high = wilson_interval(self.images // 2, self.images)
        return (high - low) / 2

    def to_json(self) -> str:
        """Return everything as JSON."""
        findings = [
            {
                "name": one.name,
                "state": one.state,
                "evidence": one.evidence,
                "meaning": FLAGS[one.name].meaning,
                "remedy": FLAGS[one.name].remedy,
            }
            for one in self.findings
        ]
        values = {
            "ok": self.ok,
            "flags": self.flags,
            "images": self.images,
            "interval": self.interval,
            "norm": self.norm,
            "findings": findings,
        }
        return json.dumps(values, indent=1)


def found(name: str, flagged: bool, evidence: str) -> Finding:
    """Return a finding that is flagged or fine."""
    return Finding(name=name, state="flag" if flagged else "ok", evidence=evidence)


def skipped(names: Sequence[str], why: str) -> list[Finding]:
    """Return findings of checks that could not be run."""
    return [Finding(name=name, state="not run", evidence=why) for name in names]
