"""Path features agree with a walk along every path, and see through edges that do nothing."""

import itertools
import math

import pytest
import torch

from wsrnas.estimators.loss.paths import FACTORS, PathFeatures
from wsrnas.spaces import get_space


def features(space, longest=3):
    return PathFeatures(edges=space.edges, operations=space.operations, outputs=space.outputs, longest=longest)


def all_paths(space, cell, encoding):
    """Every path of a cell as (its operations, its weight), one edge after another."""
    edges = [(row, s, t) for row, (name, s, t) in enumerate(space.edges) if name == cell]
    inputs = {s for _, s, _ in edges} - {t for _, _, t in edges}
    found = []

    def walk(node, operations, weight):
        if node in space.outputs[cell]:
            found.append((operations, weight))
        for row, source, target in edges:
            if source == node:
                for k in range(space.num_operations):
                    h = float(encoding[row, k])
                    if h and space.operations[k] != "none":
                        walk(target, (*operations, k), weight * h)

    for node in inputs:
        walk(node, (), 1.0)
    return found


@pytest.mark.parametrize(("name", "longest"), [("nb201", 3), ("darts", 2)])
@pytest.mark.parametrize("relaxed", [False, True])
def test_agrees_with_a_walk_along_every_path(name, longest, relaxed):
    space = get_space(name)
    generator = torch.Generator().manual_seed(3)
    encoding = space.encode(space.sample(generator))
    if relaxed and name == "nb201":
        encoding = torch.softmax(torch.randn(encoding.shape, generator=generator), dim=1)
    words, balances = (group[0].tolist() for group in features(space, longest)(encoding[None]))
    skip = space.operations.index("skip_connect")
    letters = [k for k, op in enumerate(space.operations) if op not in ("none", "skip_connect")]
    expected_words, expected_balances = [], []
    for cell in space.outputs:
        paths = all_paths(space, cell, encoding)
        spelled = [(tuple(k for k in operations if k != skip), weight) for operations, weight in paths]
        for length in range(longest + 1):
            for word in itertools.product(letters, repeat=length):
                expected_words.append(math.log1p(sum(weight for letter, weight in spelled if letter == word)))
        expected_balances.append(math.log1p(sum(weight for _, weight in paths)))
        for kinds in [*([k] for k in letters), letters]:
            for factor in FACTORS:
                total = sum(weight * factor ** sum(k in kinds for k in operations) for operations, weight in paths)
                expected_balances.append(math.log1p(total))
    assert words == pytest.approx(expected_words, abs=1e-5)
    assert balances == pytest.approx(expected_balances, abs=1e-5)


def test_dead_edges_change_nothing():
    space = get_space("nb201")
    dead = "|nor_conv_3x3~0|+|none~0|{}~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
    one, other = (space.encode(space.parse(dead.format(op))) for op in ("nor_conv_1x1", "avg_pool_3x3"))
    assert not torch.equal(one, other)
    pair = torch.stack([one, other])
    for group in (*features(space)(pair), features(space).live_edges(pair)):
        assert torch.equal(group[0], group[1])


@pytest.mark.parametrize("name", ["nb201", "darts"])
@pytest.mark.parametrize("seed", range(8))
def test_live_edges_are_those_that_some_path_uses(name, seed):
    space = get_space(name)
    encoding = space.encode(space.sample(torch.Generator().manual_seed(seed)))
    expected = torch.zeros_like(encoding)
    for row in range(space.num_edges):
        without = encoding.clone()
        without[row] = 0.0
        if any(len(all_paths(space, cell, encoding)) > len(all_paths(space, cell, without)) for cell in space.outputs):
            expected[row] = encoding[row]
    kept = [k for k, op in enumerate(space.operations) if op != "none"]
    assert torch.equal(features(space).live_edges(encoding[None])[0], expected[:, kept].flatten().double())


def test_a_relaxed_edge_is_as_live_as_the_paths_through_it():
    space = get_space("nb201")
    generator = torch.Generator().manual_seed(0)
    encoding = torch.softmax(torch.randn(space.num_edges, space.num_operations, generator=generator), dim=1)
    passing = [float(1 - row[space.operations.index("none")]) for row in encoding]
    before = [1.0, passing[0], passing[1] + passing[0] * passing[2]]
    after = [0.0, passing[4] + passing[2] * passing[5], passing[5], 1.0]
    ends = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert [(s, t) for _, s, t in space.edges] == ends
    kept = [k for k, op in enumerate(space.operations) if op != "none"]
    expected = [
        float(encoding[row, k]) * min(1.0, before[source]) * min(1.0, after[target])
        for row, (source, target) in enumerate(ends)
        for k in kept
    ]
    assert features(space).live_edges(encoding[None])[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_is_differentiable_in_a_relaxed_architecture():
    space = get_space("nb201")
    encoding = torch.full((1, space.num_edges, space.num_operations), 0.2, requires_grad=True)
    words, balances = features(space)(encoding)
    (gradient,) = torch.autograd.grad(words.sum() + balances.sum(), [encoding])
    assert bool(torch.isfinite(gradient).all())
    assert bool((gradient[:, :, 1:] > 0).all())
