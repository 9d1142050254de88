from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsrnas.data.partition import divide, limit
from wsrnas.errors import InputError
from wsrnas.rng import stream

counts = st.lists(st.integers(2, 12), min_size=2, max_size=5)


def labels_of(sizes: list[int]) -> torch.Tensor:
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return labels[torch.randperm(len(labels), generator=stream(0, "mix"))]


@settings(deadline=None, max_examples=40)
@given(sizes=counts, share=st.floats(0, 0.99), seed=st.integers(0, 5))
def test_parts_are_disjoint_complete_and_stratified(sizes: list[int], share: float, seed: int) -> None:
    labels = labels_of(sizes)
    kept, held = divide(labels, torch.arange(len(labels)), share, stream(seed, "x"))
    assert sorted(torch.cat([kept, held]).tolist()) == list(range(len(labels)))
    for label, size in enumerate(sizes):
        count = int((labels[held] == label).sum())
        if share == 0:
            assert count == 0
        else:
            assert 1 <= count <= size - 1
            assert abs(count - share * size) <= 1


@settings(deadline=None, max_examples=40)
@given(sizes=counts, data=st.data())
def test_limited_rows_are_drawn_evenly_by_class(sizes: list[int], data: st.DataObject) -> None:
    labels = labels_of(sizes)
    count = data.draw(st.integers(len(sizes), len(labels)))
    rows = limit(labels, torch.arange(len(labels)), count, stream(1, "y"), field="data.train_limit", part="D_t")
    assert len(set(rows.tolist())) == count
    taken = torch.bincount(labels[rows], minlength=len(sizes)).tolist()
    for some, size in zip(taken, sizes):
        assert some == size or some >= max(taken) - 1


def test_the_same_generator_gives_the_same_parts_and_another_other_ones() -> None:
    labels, rows = labels_of([40, 40]), torch.arange(80)
    first, again, other = (divide(labels, rows, 0.5, stream(seed, "x"))[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_limits_name_what_there_is() -> None:
    labels, rows = labels_of([3, 3]), torch.arange(6)
    with pytest.raises(InputError, match=r"data.train_limit: expected at most 6, got 7; D_t holds 6 images: lower"):
        limit(labels, rows, 7, stream(0, "x"), field="data.train_limit", part="D_t")
    with pytest.raises(InputError, match=r"data.train_limit: expected at least 2, one image for each class, got 1"):
        limit(labels, rows, 1, stream(0, "x"), field="data.train_limit", part="D_t")
