import json
from itertools import product

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.rng import stream
from wsrnas.spaces import CellGenotype, NasBench201Space, NetworkConfig

SPACE = NasBench201Space()
ALL_3X3 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def test_canonical_keys_merge_exactly_what_the_table_merges(nb201_root):
    """All 15,625 strings of the published robustness table, 6,466 distinct by its own ids."""
    ids = json.loads((nb201_root / "meta.json").read_text())["ids"]
    pairs = {(SPACE.canonical(SPACE.parse(e["nb201-string"])), e["isomorph"]) for e in ids.values()}
    assert len(ids) == 15_625
    assert len(pairs) == len({key for key, _ in pairs}) == len({isomorph for _, isomorph in pairs}) == 6_466


def test_every_genotype_is_written_and_read_back():
    for choice in list(product(range(5), repeat=6))[::97]:
        genotype = SPACE.at(choice)
        assert SPACE.choice(genotype) == choice
        assert SPACE.parse(SPACE.text(genotype)) == genotype
    assert SPACE.text(SPACE.at((3,) * 6)) == ALL_3X3


def test_the_published_network_has_the_published_number_of_parameters():
    """1.5315 M for six 3x3 convolutions at 16 channels and 15 cells (NAS-Bench-201, CIFAR-10)."""
    config = NetworkConfig(channels=16, layers=15, num_classes=10, image_shape=(3, 32, 32))
    with torch.device("meta"):
        network = SPACE.build(SPACE.parse(ALL_3X3), config)
    assert sum(p.numel() for p in network.parameters()) == 1_531_546


def test_layers_are_split_over_three_stages():
    for layers, expected in ((1, [1, 0, 0]), (5, [2, 2, 1]), (15, [5, 5, 5])):
        config = NetworkConfig(channels=2, layers=layers, num_classes=3, image_shape=(1, 8, 8))
        kinds = [type(block).__name__[0] for block in SPACE.build(SPACE.parse(ALL_3X3), config).body]
        assert [len(stage) for stage in "".join(kinds).split("R")] == expected


def test_odd_sizes_are_no_problem():
    config = NetworkConfig(channels=2, layers=3, num_classes=3, image_shape=(3, 7, 5))
    assert SPACE.build(SPACE.sample(stream(0, "odd")), config)(torch.rand(2, 3, 7, 5)).shape == (2, 3)


def test_operations_that_cannot_change_the_output_are_not_built():
    config = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(1, 8, 8))
    text = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    (cell, *_) = SPACE.build(SPACE.parse(text), config).body
    assert [type(operation).__name__ for operation in cell.operations] == ["Identity"]


def test_a_missing_edge_or_another_stem_is_refused():
    ((name, cell),) = SPACE.at((1,) * 6).cells
    broken = CellGenotype("nb201", ((name, type(cell)(cell.edges[1:], cell.concat)),))
    with pytest.raises(InputError, match=r"^genotype: expected one operation on each of the six edges of four nodes"):
        SPACE.choice(broken)
    config = NetworkConfig(channels=2, layers=1, num_classes=3, image_shape=(3, 64, 64), stem="imagenet")
    with pytest.raises(InputError, match=r"^stem: expected 'cifar', the only one of this space, got 'imagenet'$"):
        SPACE.supernet(config)
