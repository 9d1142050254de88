"""What the tests check of annotations: types, and shapes across all arguments and the result of one call."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from beartype import beartype
from jaxtyping import TypeCheckError
from tests.checked import UnlikeItsAnnotationError, jaxtyped

from wsrnas.networks.cells.nasbench201 import DagCell
from wsrnas.types import Images, Labels, Logits, parse_strength

REFUSED = (UnlikeItsAnnotationError, TypeCheckError)
check = jaxtyped(typechecker=beartype)
IMAGES, LABELS = torch.rand(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64)


@check
def scores(images: Images, labels: Labels, *, classes: int = 4) -> Logits:
    """Return as many rows as there are labels."""
    return torch.zeros(len(labels) + classes // 10, classes)


@check
def names(count: int) -> list[str]:
    return ["a"] * count if count else [1]


@check
def unknown_yet(one: Later) -> Later:
    return one


@check
def never_known(one: ForTypeCheckers) -> int:
    return one


@check
def each(count: int) -> Iterator[int]:
    yield from range(count)


@check
@dataclass(frozen=True, kw_only=True)
class Pair:
    images: Images
    labels: Labels

    @classmethod
    @check
    def of(cls, images: Images, labels: Labels) -> Pair:
        return cls(images=images, labels=labels)

    @staticmethod
    @check
    def first(images: Images) -> int:
        return len(images)


class Later:
    pass


def test_what_fits_its_annotation_passes():
    assert scores(IMAGES, LABELS).shape == (3, 4)
    assert scores(images=IMAGES, labels=LABELS, classes=2).shape == (3, 2)
    assert names(2) == ["a", "a"]
    assert list(each(2)) == [0, 1]
    assert Pair.of(IMAGES, LABELS).labels is LABELS
    assert Pair.first(IMAGES) == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda: scores(IMAGES, LABELS[:2]),
        lambda: scores(IMAGES[0], LABELS),
        lambda: scores(IMAGES, LABELS.float()),
        lambda: scores(IMAGES, LABELS, classes=12),
        lambda: scores(IMAGES, LABELS, classes="4"),
        lambda: names("2"),
        lambda: names(0),
        lambda: each("2"),
        lambda: Pair(images=IMAGES, labels=LABELS[:2]),
        lambda: Pair.of(IMAGES, LABELS[:2]),
        lambda: Pair.first(IMAGES[0]),
    ],
)
def test_what_does_not_is_refused(call):
    with pytest.raises(REFUSED):
        call()


def test_shapes_of_one_call_do_not_bind_the_next():
    assert scores(IMAGES, LABELS).shape == (3, 4)
    assert scores(IMAGES[:2], LABELS[:2]).shape == (2, 4)


def test_a_name_that_is_defined_later_is_checked_too():
    assert isinstance(unknown_yet(Later()), Later)
    with pytest.raises(REFUSED):
        unknown_yet(1)


def test_a_name_for_type_checkers_alone_allows_anything():
    assert never_known(1) == 1


def test_a_checked_function_says_of_itself_what_the_plain_one_says():
    assert scores.__name__ == "scores"
    assert scores.__doc__ == "Return as many rows as there are labels."
    assert scores.__annotations__["images"] == "Images"
    assert inspect.signature(scores).parameters["classes"].default == 4


@pytest.mark.parametrize("call", [lambda: parse_strength([0.1]), lambda: DagCell.forward(object(), "images")])
def test_the_package_is_checked(call):
    with pytest.raises(REFUSED):
        call()
