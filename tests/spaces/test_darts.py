import math
from collections import Counter
from itertools import permutations

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.rng import stream
from wsrnas.spaces import Cell, CellGenotype, DartsSpace, Edge, NetworkConfig

SPACE = DartsSpace()
TINY = DartsSpace(nodes=2, operations=("none", "skip_connect", "sep_conv_3x3"))


def test_rows_are_fourteen_normal_edges_then_fourteen_of_reduction():
    assert SPACE.num_edges == 28
    assert SPACE.num_operations == 8
    assert SPACE.edges[0] == Edge("normal", 0, 2)
    assert SPACE.edges[4] == Edge("normal", 2, 3)
    assert SPACE.edges[13] == Edge("normal", 4, 5)
    assert SPACE.edges[14] == Edge("reduce", 0, 2)


def test_sampling_is_uniform_over_inputs_and_operations():
    generator, counts = stream(0, "uniform"), Counter()
    draws = 400
    for _ in range(draws):
        for operation, source, target in TINY.sample(generator)["normal"].edges:
            counts[target, source] += 1
            counts[operation] += 1
    assert counts["none"] == 0
    assert counts[2, 0] == counts[2, 1] == draws
    for source in range(3):
        assert counts[3, source] == pytest.approx(2 / 3 * draws, abs=4 * math.sqrt(draws * 2 / 9))
    assert counts["skip_connect"] == pytest.approx(2 * draws, abs=4 * math.sqrt(draws))


def slow_decode(alpha):
    """Per node: of all (edge, operation other than none) take the best of each edge, keep the two best edges."""
    cells = []
    for cell, offset in (("normal", 0), ("reduce", 14)):
        edges, row = [], offset
        for target in range(2, 6):
            best = []
            for source in range(target):
                weights = {name: float(alpha[row, k]) for k, name in enumerate(SPACE.operations) if name != "none"}
                name = max(weights, key=weights.get)
                best.append((weights[name], name, source))
                row += 1
            kept = sorted(best, reverse=True)[:2]
            edges += sorted(((name, source, target) for _, name, source in kept), key=lambda edge: edge[1])
        cells.append((cell, Cell(tuple(edges), (2, 3, 4, 5))))
    return CellGenotype("darts", tuple(cells))


def test_decoding_follows_the_rule_of_darts():
    for seed in range(10):
        alpha = torch.randn(28, 8, generator=stream(seed, "alpha"))
        alpha[:, 0] += 3
        assert SPACE.decode(alpha) == slow_decode(alpha)


def test_equal_weights_are_decoded_to_the_earliest():
    assert {edge[:2] for edge in SPACE.decode(torch.zeros(28, 8))["normal"].edges} == {
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
    }


def test_a_genotype_has_120_neighbours():
    """8 edges x 6 other operations, and 2·(1 + 2 + 3) other inputs, in each of two cells."""
    assert len(SPACE.neighbours(SPACE.sample(stream(0, "genotype")))) == 2 * (8 * 6 + 12)


def renamed(genotype, names):
    cells = []
    for name, cell in genotype.cells:
        swap = {0: 0, 1: 1, **dict(zip(cell.concat, names))}
        edges = tuple((operation, swap[source], swap[target]) for operation, source, target in reversed(cell.edges))
        cells.append((name, Cell(edges, tuple(names))))
    return CellGenotype(genotype.space, tuple(cells))


def test_isomorphic_cells_share_their_canonical_key():
    for seed in range(8):
        genotype = SPACE.sample(stream(seed, "genotype"))
        for names in permutations((2, 3, 4, 5)):
            other = renamed(genotype, names)
            if all(source < target for _, cell in other.cells for _, source, target in cell.edges):
                assert SPACE.canonical(other) == SPACE.canonical(genotype)


def test_isomorphic_cells_compute_the_same_function():
    """Renaming nodes only permutes the channels a cell hands on: with permuted weights the logits agree."""
    one = SPACE.parse(PAIR.format("('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('avg_pool_3x3', 1)"))
    two = SPACE.parse(PAIR.format("('max_pool_3x3', 0), ('avg_pool_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 1)"))
    assert one != two
    assert SPACE.canonical(one) == SPACE.canonical(two)
    config = NetworkConfig(channels=4, layers=1, num_classes=3, image_shape=(1, 8, 8))
    first, second = SPACE.build(one, config).eval(), SPACE.build(two, config).eval()
    swap = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]
    second.load_state_dict(
        {
            key: value[:, swap] if key == "classifier.weight" else value
            for key, value in zip(second.state_dict(), reordered(first))
        }
    )
    images = torch.rand(2, 1, 8, 8)
    assert torch.allclose(first(images), second(images), atol=1e-6)


PAIR = "Genotype(normal=[{0}], normal_concat=range(2, 4), reduce=[{0}], reduce_concat=range(2, 4))"


def reordered(network):
    """The state of the network with the operations of its one cell in the order (2, 3, 0, 1)."""
    state = network.state_dict()
    operations = [[v for k, v in state.items() if k.startswith(f"cells.0.operations.{i}.")] for i in (2, 3, 0, 1)]
    keys = list(state)
    inside = [k for k in keys if k.startswith("cells.0.operations.")]
    before, after = keys[: keys.index(inside[0])], keys[keys.index(inside[-1]) + 1 :]
    return [*(state[k] for k in before), *(v for group in operations for v in group), *(state[k] for k in after)]


def test_different_graphs_have_different_keys():
    base = SPACE.sample(stream(0, "genotype"))
    keys = {SPACE.canonical(neighbour) for neighbour in SPACE.neighbours(base)}
    assert SPACE.canonical(base) not in keys
    assert len(keys) > 100


def test_spaces_of_other_sizes_search_what_they_say():
    space = DartsSpace(nodes=1, operations=("none", "skip_connect", "conv_7x1_1x7"))
    assert (space.num_edges, space.num_operations) == (4, 3)
    genotype = space.sample(stream(0, "genotype"))
    assert space.decode(space.encode(genotype)) == genotype
    assert space != SPACE
    with pytest.raises(InputError, match=r"got operation 'sep_conv_3x3'; "):
        space.choice(SPACE.parse(PAIR.format("('sep_conv_3x3', 0), ('skip_connect', 1)").replace("4)", "3)")))


def test_published_cells_outside_the_space_can_be_built_but_not_searched():
    wide = SPACE.parse(
        PAIR.format("('sep_conv_7x7', 0), ('skip_connect', 1), ('max_pool_3x3', 2), ('max_pool_3x3', 2)")
    )
    config = NetworkConfig(channels=2, layers=2, num_classes=3, image_shape=(3, 8, 8))
    assert SPACE.build(wide, config)(torch.rand(2, 3, 8, 8)).shape == (2, 3)
    with pytest.raises(
        InputError, match=r"^genotype, normal cell: expected known operations, got operation 'sep_conv_7x7'"
    ):
        SPACE.choice(wide)
    narrow = SPACE.parse(PAIR.format("('skip_connect', 0), ('skip_connect', 1)").replace("4)", "3)"))
    with pytest.raises(
        InputError, match=r"expected all nodes 2 to 5 joined, got .2,.; it can be built but not searched$"
    ):
        SPACE.choice(narrow)
    parallel = narrow["normal"].edges[:1] * 2
    twice = CellGenotype("darts", tuple((name, Cell(parallel, (2,))) for name in ("normal", "reduce")))
    with pytest.raises(InputError, match=r"expected one edge between two nodes, got several$"):
        DartsSpace(nodes=1).choice(twice)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": 0}, "^nodes: expected at least 1, got 0$"),
        (
            {"operations": ("none", "sep_conv")},
            "^operations: expected known operations, got operation 'sep_conv'; did you",
        ),
        ({"operations": ("none",)}, "^operations: expected distinct names, at least one besides 'none'"),
    ],
)
def test_impossible_spaces_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        DartsSpace(**settings)


@pytest.mark.parametrize(
    ("edges", "concat", "message"),
    [
        (
            (("skip_connect", 3, 2),),
            (2,),
            "expected edges from earlier to later nodes, got skip_connect from node 3 to",
        ),
        ((("skip_connect", 0, 1),), (1,), "nodes below 2 are the cell's inputs"),
        (
            (("skip_connect", 0, 2),),
            (3,),
            "expected joined nodes with at least one edge each, got node 3, which has none",
        ),
        ((("skip_connect", 0, 2),), (), "got no node$"),
        ((("skip_connect", 0, 2),), (2, 2), "expected each joined node once"),
    ],
)
def test_impossible_cells_are_refused(edges, concat, message):
    genotype = CellGenotype("darts", tuple((name, Cell(edges, concat)) for name in ("normal", "reduce")))
    with pytest.raises(InputError, match=message):
        SPACE.canonical(genotype)


def test_a_genotype_without_a_reduction_cell_is_refused():
    with pytest.raises(InputError, match=r"^genotype: expected the cells normal, reduce, got normal$"):
        SPACE.draw(CellGenotype("darts", (("normal", Cell((("skip_connect", 0, 2),), (2,))),)))
