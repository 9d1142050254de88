"""What was passed over below a folder, counted and said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from wsrnas.data.text import listed


@dataclass
class Passed:
    """What was passed over, counted."""

    hidden: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    copies: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    loose: int = 0

    def notes(self, where: str) -> tuple[str, ...]:
        """Return one sentence for each kind of thing."""
        found = (
            (self.hidden.total(), "hidden or system file(s)", _counted(self.hidden)),
            (self.kinds.total(), "file(s) of kinds that are not read", _counted(self.kinds)),
            (len(self.copies), "link(s) to what is read anyway", listed(sorted(self.copies), 4)),
            (len(self.broken), "broken link(s)", listed(sorted(self.broken), 4)),
        )
        notes = [f"passed over in {where}: {count} {what} ({names})" for count, what, names in found if count]
        if self.loose:
            notes.append(f"passed over in {where}: {self.loose} image(s) outside the class folders")
        return tuple(notes)


def _counted(counts: Counter[str]) -> str:
    return listed(
        [f"{name} {count}" for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))], 6
    )
