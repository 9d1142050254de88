"""What every section of a search's page is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from wsrnas.report.page import Page
from wsrnas.search.report.record import SearchRecord


class Section(ABC):
    """One section of a search's page, made of what the files of the run say.

    A frozen keyword-only dataclass; its fields are its settings, each with a default.
    """

    name: ClassVar[str]

    @abstractmethod
    def add(self, page: Page, record: SearchRecord) -> None:
        """Add one heading (`page.section`) and what stands below it, or nothing where the run says nothing of it.

        The search may be unfinished, and `record.result` empty. Nothing is written into the run folder.
        """
