"""What every search space promises; a new subclass of SearchSpace is tested unasked."""

import json
from xml.etree import ElementTree

import pytest
import torch
from tests.contracts import concrete
from torch import nn

from wsrnas.errors import InputError
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.spaces import Genotype, NetworkConfig, SearchSpace, SuperNetwork, get_space

CONFIG = NetworkConfig(channels=2, layers=3, num_classes=3, image_shape=(1, 8, 8), mean=(0.3,), std=(0.4,))


@pytest.fixture(params=concrete(SearchSpace), ids=lambda cls: cls.__name__)
def space(request):
    return request.param()


def genotypes(space, count=5):
    generator = stream(0, "contract", space.name)
    return [space.sample(generator) for _ in range(count)]


def difference(space, one, other):
    """How many edges differ: an operation, or a connection (which shows in two rows of one node)."""
    rows = [i for i, pair in enumerate(zip(space.choice(one), space.choice(other))) if pair[0] != pair[1]]
    return rows, {(space.edges[i].cell, space.edges[i].target) for i in rows}


def test_it_is_registered_frozen_and_comparable(space):
    assert isinstance(space, type(get_space(space.name)))
    assert space == type(space)()
    assert hash(space) == hash(type(space)())
    with pytest.raises(AttributeError):
        space.operations = ()
    assert (space.num_edges, space.num_operations) == (len(space.edges), len(space.operations))
    assert len(set(space.edges)) == len(space.edges)


def test_a_space_under_the_name_of_another_answers_as_that_one_does(space):
    known = get_space(space.name)
    for genotype in genotypes(known):
        for ask in ("choice", "canonical", "neighbours", "draw"):
            assert getattr(space, ask)(genotype) == getattr(known, ask)(genotype)
        assert torch.equal(space.encode(genotype), known.encode(genotype))
        assert space.decode(space.encode(genotype)) == genotype
    assert [space.sample(stream(0, i)) for i in range(3)] == [known.sample(stream(0, i)) for i in range(3)]


@pytest.mark.parametrize("kind", concrete(SuperNetwork), ids=lambda kind: kind.__name__)
def test_every_super_network_is_that_of_a_space_tested_here(kind):
    assert kind in {type(space().supernet(CONFIG)) for space in concrete(SearchSpace)}


def test_sampling_depends_on_the_generator_only(space):
    assert genotypes(space) == genotypes(space)
    assert len({g.id for g in genotypes(space, 12)}) > 6
    assert all(g.space == space.name for g in genotypes(space))


def test_choice_and_encoding_describe_the_same_sub_network(space):
    for genotype in genotypes(space):
        choice, encoding = space.choice(genotype), space.encode(genotype)
        assert len(choice) == space.num_edges
        assert encoding.shape == (space.num_edges, space.num_operations)
        for k, row in zip(choice, encoding):
            assert row.sum() == (k >= 0)
            assert k < 0 or row[k] == 1
        architecture = space.architecture(genotype)
        assert architecture.choice == choice
        assert torch.equal(architecture.encoding, encoding)


def test_decoding_an_encoding_returns_the_genotype(space):
    for genotype in genotypes(space):
        noise = 0.4 * torch.rand(space.num_edges, space.num_operations, generator=stream(0, "noise"))
        assert space.decode(space.encode(genotype)) == genotype
        assert space.decode(space.encode(genotype) + noise) == genotype


def test_neighbours_differ_in_one_operation_or_connection_and_it_is_mutual(space):
    genotype = genotypes(space)[0]
    neighbours = space.neighbours(genotype)
    assert len(set(neighbours)) == len(neighbours)
    assert genotype not in neighbours
    for neighbour in neighbours:
        rows, nodes = difference(space, genotype, neighbour)
        assert len(nodes) == 1
        assert len(rows) in (1, 2)
    assert all(genotype in space.neighbours(neighbour) for neighbour in neighbours[::17])


def test_a_mutation_is_a_neighbour_drawn_from_the_generator(space):
    genotype = genotypes(space)[0]
    neighbours = set(space.neighbours(genotype))
    mutants = [space.mutate(genotype, stream(1, "mutate", i)) for i in range(20)]
    assert set(mutants) <= neighbours
    assert len(set(mutants)) > 5
    assert mutants[0] == space.mutate(genotype, stream(1, "mutate", 0))


def test_the_canonical_key_does_not_depend_on_how_a_genotype_is_written(space):
    for genotype in genotypes(space):
        data = json.loads(genotype.to_json())
        for cell in data["cells"].values():
            cell["edges"].reverse()
        assert space.canonical(Genotype.from_json(json.dumps(data))) == space.canonical(genotype)
    assert len({space.canonical(g) for g in genotypes(space, 12)}) > 6


def test_the_super_network_runs_every_sampled_genotype_and_shares_its_weights(space):
    with fixed_global_seed(0):
        whole = space.supernet(CONFIG)
    shared = {id(p) for p in whole.parameters()}
    images = torch.rand(4, 1, 8, 8)
    for genotype in genotypes(space, 3):
        part = whole.at(space.choice(genotype))
        assert {id(p) for p in part.parameters()} <= shared
        assert part(images).shape == (4, 3)
        assert torch.equal(part.train()(images), part.eval()(images))


def test_the_stand_alone_network_gives_logits_in_train_and_eval(space):
    for genotype in genotypes(space, 2):
        network = space.build(genotype, CONFIG)
        assert isinstance(network, nn.Module)
        for mode in (True, False):
            assert network.train(mode)(torch.rand(4, 1, 8, 8)).shape == (4, 3)


def test_weights_are_reproducible(space):
    states = []
    for _ in range(2):
        with fixed_global_seed(3, "weights"):
            states.append(space.supernet(CONFIG).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_the_drawing_is_one_well_formed_svg(space):
    root = ElementTree.fromstring(space.draw(genotypes(space)[0]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_genotype_of_another_space_is_refused(space):
    stranger = Genotype("elsewhere", genotypes(space)[0].cells)
    for method in (space.choice, space.canonical, space.draw, space.neighbours, lambda g: space.build(g, CONFIG)):
        with pytest.raises(InputError, match=rf"^genotype: expected a genotype of space '{space.name}', got one of"):
            method(stranger)


def test_malformed_text_is_refused_in_one_sentence(space):
    for text in ("", "nonsense", "|", "Genotype(", "__import__('os')"):
        with pytest.raises(InputError, match=r"^genotype: expected .*, got "):
            space.parse(text)


def test_a_wrong_choice_or_alpha_is_refused(space):
    whole = space.supernet(CONFIG)
    with pytest.raises(
        InputError, match=rf"^choice: expected one operation for each of {space.num_edges} edges, got 1$"
    ):
        whole.at((0,))
    with pytest.raises(InputError, match=r"^choice: expected operation indices 0 to"):
        whole.at((space.num_operations,) * space.num_edges)
    for method in (space.decode, lambda weights: whole.mixture(torch.rand(2, 1, 8, 8), weights)):
        with pytest.raises(InputError, match=r"^arch_weights: expected shape"):
            method(torch.zeros(1, 1))


def test_an_unknown_space_is_refused_with_the_nearest_name():
    with pytest.raises(
        InputError, match=r"^space: expected a known name \(darts, nb201\), got 'dart'; did you mean 'darts'\?"
    ):
        get_space("dart")
