"""What every search space promises; a new subclass of SearchSpace is tested unasked."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch
from tests.contracts import concrete
from torch import nn

from wsrnas.errors import InputError
from wsrnas.networks.cost import count_cost
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.spaces import CellSpace, Genotype, NetworkConfig, SearchSpace, SuperNetwork, get_space, read_genotype
from wsrnas.spaces.limited import LimitedSpace

CONFIG = NetworkConfig(channels=2, layers=3, num_classes=3, image_shape=(1, 8, 8), mean=(0.3,), std=(0.4,))


ALL = concrete(SearchSpace)


def of(*classes):
    return pytest.mark.parametrize("space", [cls() for cls in classes], ids=[cls.__name__ for cls in classes])


every = of(*ALL)
cells = of(*(cls for cls in ALL if issubclass(cls, CellSpace)))
sharing = of(*(cls for cls in ALL if cls.shares_weights))
alone = of(*(cls for cls in ALL if not cls.shares_weights))


def genotypes(space, count=5):
    generator = stream(0, "contract", space.name)
    return [space.sample(generator) for _ in range(count)]


def encodings(space, count=12):
    return torch.stack([space.encode(genotype) for genotype in genotypes(space, count)])


@every
def test_it_is_registered_frozen_and_comparable(space):
    assert isinstance(space, (type(get_space(space.name)), LimitedSpace))
    assert space == type(space)()
    assert hash(space) == hash(type(space)())
    with pytest.raises(AttributeError):
        space.name = "another"


@every
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
    assert kind in {type(space().supernet(CONFIG)) for space in ALL if space.shares_weights}


@every
def test_the_rows_of_h_are_named_decisions_between_distinct_options(space):
    assert space.num_edges == len(space.decisions)
    assert len({decision.name for decision in space.decisions}) == space.num_edges
    for decision, padding in zip(space.decisions, space.padding):
        assert len(set(decision.options)) == len(decision.options)
        assert padding.tolist() == [k >= len(decision.options) for k in range(space.num_operations)]
    assert not space.padding.all(dim=0).any()


@cells
def test_a_cell_space_has_the_same_operations_on_distinct_edges(space):
    assert len(set(space.edges)) == len(space.edges) == space.num_edges
    assert all(decision.options == space.operations for decision in space.decisions)


@every
def test_sampling_depends_on_the_generator_only(space):
    assert genotypes(space) == genotypes(space)
    assert len({g.id for g in genotypes(space, 12)}) > 6
    assert all(g.space == space.name for g in genotypes(space))


@every
def test_choice_and_encoding_describe_the_same_architecture(space):
    for genotype in genotypes(space):
        choice, encoding = space.choice(genotype), space.encode(genotype)
        assert len(choice) == space.num_edges
        assert encoding.shape == (space.num_edges, space.num_operations)
        for k, row, decision in zip(choice, encoding, space.decisions):
            assert -1 <= k < len(decision.options)
            assert row.sum() == (k >= 0)
            assert k < 0 or row[k] == 1
        architecture = space.architecture(genotype)
        assert architecture.choice == choice
        assert torch.equal(architecture.encoding, encoding)


@every
def test_decoding_an_encoding_returns_the_genotype_whatever_the_padding_holds(space):
    for genotype in genotypes(space):
        noise = 0.4 * torch.rand(space.num_edges, space.num_operations, generator=stream(0, "noise"))
        assert space.decode(space.encode(genotype)) == genotype
        assert space.decode((space.encode(genotype) + noise).masked_fill(space.padding, 9.0)) == genotype


@every
def test_the_heaviest_options_are_never_padding(space):
    weights = torch.rand(space.num_edges, space.num_operations, generator=stream(0, "weights"))
    choice = space.all_edges(weights.masked_fill(space.padding, 9.0)).choice
    for k, row, decision in zip(choice, weights, space.decisions):
        assert k == int(row[: len(decision.options)].argmax())


@every
def test_neighbours_differ_in_one_decision_and_it_is_mutual(space):
    """In a cell, moving an edge shows in two rows of one node."""
    genotype = genotypes(space)[0]
    neighbours = space.neighbours(genotype)
    assert len(set(neighbours)) == len(neighbours)
    assert genotype not in neighbours
    for neighbour in neighbours:
        rows = [i for i, pair in enumerate(zip(space.choice(genotype), space.choice(neighbour))) if pair[0] != pair[1]]
        assert len(rows) == 1 or isinstance(space, CellSpace)
        if isinstance(space, CellSpace):
            assert len(rows) in (1, 2)
            assert len({(space.edges[i].cell, space.edges[i].target) for i in rows}) == 1
    assert all(genotype in space.neighbours(neighbour) for neighbour in neighbours[::17])


@every
def test_a_mutation_is_a_neighbour_drawn_from_the_generator(space):
    genotype = genotypes(space)[0]
    neighbours = set(space.neighbours(genotype))
    mutants = [space.mutate(genotype, stream(1, "mutate", i)) for i in range(20)]
    assert set(mutants) <= neighbours
    assert len(set(mutants)) > 5
    assert mutants[0] == space.mutate(genotype, stream(1, "mutate", 0))


@every
def test_json_is_read_back_in_any_order_of_its_keys(space):
    for genotype in genotypes(space):
        text = genotype.to_json()
        shuffled = json.dumps(dict(reversed(json.loads(text).items())))
        for found in (Genotype.from_json(text), Genotype.from_json(shuffled), read_genotype(text)):
            assert found == genotype
            assert found.id == genotype.id
    assert len({g.id for g in genotypes(space, 12)}) == len(set(genotypes(space, 12)))


@cells
def test_the_canonical_key_does_not_depend_on_the_order_of_edges(space):
    for genotype in genotypes(space):
        data = json.loads(genotype.to_json())
        for cell in data["cells"].values():
            cell["edges"].reverse()
        assert space.canonical(Genotype.from_json(json.dumps(data))) == space.canonical(genotype)


@every
def test_different_architectures_have_different_canonical_keys(space):
    assert len({space.canonical(g) for g in genotypes(space, 12)}) > 6


@every
def test_features_are_differentiable_finite_and_tell_neighbours_apart(space):
    encoded = torch.softmax(encodings(space).masked_fill(space.padding, -torch.inf), dim=2).requires_grad_(True)
    groups = (*space.features(encoded), space.features.details(encoded))
    assert all(group.dtype == torch.float64 and group.shape[0] == len(encoded) for group in groups)
    for group in groups:
        (gradient,) = torch.autograd.grad(group.square().sum(), encoded)
        assert group.isfinite().all()
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0
    genotype = genotypes(space)[0]
    near = [genotype, *space.neighbours(genotype)]
    details = space.features.details(torch.stack([space.encode(one) for one in near]))
    keys = [space.canonical(one) for one in near]
    for place, key in enumerate(keys[1:], start=1):
        assert torch.equal(details[place], details[0]) <= (key == keys[0])


@sharing
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


@sharing
def test_weights_are_reproducible(space):
    states = []
    for _ in range(2):
        with fixed_global_seed(3, "weights"):
            states.append(space.supernet(CONFIG).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@alone
def test_a_space_without_a_super_network_says_what_to_do_instead(space):
    with pytest.raises(InputError, match=rf"^space: expected one .* weights, got '{space.name}'; .*trained alone"):
        space.supernet(CONFIG)


@every
def test_the_stand_alone_network_gives_logits_in_train_and_eval(space):
    for genotype in genotypes(space, 2):
        network = space.build(genotype, CONFIG)
        assert isinstance(network, nn.Module)
        for mode in (True, False):
            assert network.train(mode)(torch.rand(4, 1, 8, 8)).shape == (4, 3)
        assert network.eval()(torch.rand(1, 1, 8, 8)).shape == (1, 3)


@every
def test_every_weight_of_a_stand_alone_network_gets_a_finite_gradient(space):
    for genotype in genotypes(space, 3):
        network = space.build(genotype, CONFIG).double()
        images = torch.rand(4, 1, 8, 8, dtype=torch.float64, requires_grad=True)
        logits = network(images)
        assert logits.dtype == torch.float64
        logits.square().sum().backward()
        for name, parameter in [("images", images), *network.named_parameters()]:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


@every
def test_counted_cost_is_that_of_the_built_network(space):
    for genotype in genotypes(space, 3):
        cost = space.cost(genotype, CONFIG)
        assert cost == count_cost(space.build(genotype, CONFIG), CONFIG.image_shape)
        assert cost.parameters == space.parameters(genotype, CONFIG)


@every
def test_the_drawing_is_one_well_formed_svg(space):
    root = ElementTree.fromstring(space.draw(genotypes(space)[0]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@every
def test_known_architectures_can_be_built_drawn_and_written(space):
    for name, genotype in space.known.items():
        assert read_genotype(genotype.to_json()) == genotype, name
        assert space.draw(genotype).startswith("<svg")
        with torch.device("meta"):
            assert space.build(genotype, CONFIG)(torch.empty(2, 1, 8, 8)).shape == (2, 3)


@every
def test_a_genotype_of_another_space_is_refused(space):
    stranger = replace(genotypes(space)[0], space="elsewhere")
    methods = (space.choice, space.canonical, space.draw, space.neighbours, space.check)
    for method in (*methods, *(lambda g, do=do: do(g, CONFIG) for do in (space.build, space.parameters, space.cost))):
        with pytest.raises(InputError, match=rf"^genotype: expected a genotype of space '{space.name}', got one of"):
            method(stranger)


@every
def test_a_genotype_of_another_kind_is_refused_even_under_the_name_of_the_space(space):
    for other in (cls() for cls in ALL if cls().name != space.name):
        stranger = replace(genotypes(other)[0], space=space.name)
        with pytest.raises(InputError, match=r"^file\.json.*: expected .*, got "):
            space.check(stranger, argument="file.json")


@every
def test_malformed_text_is_refused_in_one_sentence(space):
    for text in ("", "nonsense", "|", "Genotype(", "__import__('os')"):
        with pytest.raises(InputError, match=r"^genotype: expected .*, got "):
            space.parse(text)


@every
def test_weights_of_the_wrong_shape_are_refused(space):
    with pytest.raises(InputError, match=r"^arch_weights: expected shape"):
        space.decode(torch.zeros(1, 1))


@sharing
def test_a_wrong_choice_or_mixture_is_refused(space):
    whole = space.supernet(CONFIG)
    with pytest.raises(
        InputError, match=rf"^choice: expected one operation for each of {space.num_edges} edges, got 1$"
    ):
        whole.at((0,))
    with pytest.raises(InputError, match=r"^choice: expected operation indices 0 to"):
        whole.at((space.num_operations,) * space.num_edges)
    with pytest.raises(InputError, match=r"^arch_weights: expected shape"):
        whole.mixture(torch.rand(2, 1, 8, 8), torch.zeros(1, 1))


def test_an_unknown_space_is_refused_with_the_nearest_name():
    with pytest.raises(
        InputError, match=r"^space: expected a known name \(darts, nb201, stages\), got 'dart'; did you mean 'darts'\?"
    ):
        get_space("dart")
