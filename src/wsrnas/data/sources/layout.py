"""Which folders of a data set are its splits, in whatever spelling: Train and Test, train_set and test_set, …"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["train", "test", "eval", "valid"]
WORDS: dict[str, Role] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("test", "tests", "testing", "tst"), "test"),
    **dict.fromkeys(("eval", "evaluation", "holdout"), "eval"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development"), "valid"),
}
TESTS: tuple[Role, ...] = ("test", "eval", "valid")
FILLERS = r"(?:data)?(?:set|sets|split|data|images?|imgs?|pictures?|photos?|samples?|folder|files?|part)"
WORD = re.compile(rf"({'|'.join(sorted(WORDS, key=len, reverse=True))})({FILLERS})?")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Named:
    """The role that a name speaks of; names of one data set agree in the `rest`: seg_train and seg_test, train1."""

    role: Role
    rest: str


def read_name(name: str) -> Named | None:
    """Return the role that a name speaks of, or None for a name that says nothing of a split."""
    for spelling in (name, HUMP.sub(" ", name)):
        tokens = [token.casefold() for token in LETTERS.findall(spelling)]
        words = [match for match in map(WORD.fullmatch, tokens) if match]
        if words:
            rest = [token for token in tokens if token != words[0][0] and not re.fullmatch(FILLERS, token)]
            return Named(WORDS[words[0][1]], " ".join(rest))
    return None


def find_splits(names: Iterable[str]) -> list[dict[Role, list[str]]]:
    """Group names into data sets, each a mapping from role to names; names of no split are left out.

    A name that is nothing but a split's word counts alone (train). One with more in it counts only beside its like:
    bullet_train is no split unless there is a bullet_test.
    """
    groups: dict[str, dict[Role, list[str]]] = {}
    for name in names:
        if read := read_name(name):
            groups.setdefault(read.rest, {}).setdefault(read.role, []).append(name)
    return [roles for rest, roles in groups.items() if rest == "" or ("train" in roles and len(roles) > 1)]
