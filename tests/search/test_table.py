"""A table answers like a super-network, counts distinct architectures, and can lie as one-shot labels do."""

import torch

from wsrnas.search.evaluators.table import TableEvaluator
from wsrnas.spaces import get_space

SPACE = get_space("nb201")


def pair():
    one = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    same = SPACE.parse("|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    other = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    return [SPACE.architecture(genotype) for genotype in (one, same, other)]


def make(**settings):
    one, same, other = pair()
    rows = {one.choice: 0, same.choice: 0, other.choice: 1}
    losses = torch.tensor([[0.1, 0.5], [0.2, 0.4]])
    return TableEvaluator(SPACE, rows, losses, torch.tensor([0.03]), **settings)


def test_a_query_is_a_distinct_row():
    table = make()
    for architecture in pair():
        table.measure(architecture)
    assert table.queries == 2
    assert table.cost == 2
    assert torch.equal(table.measure(pair()[2]), torch.tensor([0.2, 0.4]))


def test_the_error_of_a_label_is_the_same_at_every_call():
    table = make(error=torch.tensor([[1.0, 1.0], [0.0, 0.0]]))
    first = table.measure(pair()[0])
    assert torch.equal(first, torch.tensor([1.1, 1.5]))
    assert torch.equal(table.measure(pair()[1]), first)
    assert torch.equal(table.verify([pair()[0]])[0], torch.tensor([0.1, 0.5]))


def test_labels_get_better_with_age_and_can_be_asked_again():
    table = make(error=torch.ones(2, 2), ageing=(3.0, 1.0))
    early = table.measure(pair()[0])
    late = table.measure(pair()[2])
    assert torch.allclose(early, torch.tensor([0.1, 0.5]) + 4)
    assert torch.allclose(late, torch.tensor([0.2, 0.4]) + 2.5)
    assert torch.allclose(table.remeasure(pair()[0]), torch.tensor([0.1, 0.5]) + 1.75)
    assert table.cost == 3
    assert table.queries == 2


def test_state_survives():
    table, other = make(ageing=(1.0, 5.0)), make(ageing=(1.0, 5.0))
    table.measure(pair()[0])
    other.load_state_dict(table.state_dict())
    assert other.queries == 1
    assert other.cost == 1
