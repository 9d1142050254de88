"""What there is to find in a space, beside what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from wsrnas.report.page import Page
from wsrnas.search.report.record import SearchRecord
from wsrnas.search.report.sections.base import Section
from wsrnas.spaces.spread import spread_of


@final
@dataclass(frozen=True, kw_only=True)
class Spread(Section):
    """Say how much architectures of one size differ in this space, as far as it was measured on this data."""

    name: ClassVar[str] = "spread"

    def add(self, page: Page, record: SearchRecord) -> None:
        space = str(record.setting("space.name", ""))
        data = str(record.setting("data.name", ""))
        page.section("What there is to find")
        found = spread_of(space, data)
        if found is not None:
            page.text(str(found))
            page.text("A gain over random architectures that is smaller than this may be luck.")
            return
        command = f"`wsrnas study space --space {space} --scale small`"
        page.text(
            f"How much architectures of one size differ in the space {space} on these images has not been measured. "
            f"{command} measures it on the digits, and with --data.root on CIFAR-10."
        )
