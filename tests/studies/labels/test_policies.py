"""The contract of every label policy, what each pays, and that each ranks as its description says."""

import numpy as np
import pytest
from tests.contracts import concrete
from tests.studies.labels.made_table import COSTS, made_table

from wsrnas.errors import InputError
from wsrnas.studies.labels.ledger import Ledger
from wsrnas.studies.labels.policies import (
    Combined,
    Counted,
    Halving,
    Labelled,
    LabelPolicy,
    Smoothed,
    policies_of,
)

TABLE = made_table()
MEASURED = COSTS["clean"] + 2 * COSTS["strength"]
MAKE = {
    Counted: lambda: Counted(what="parameters"),
    Labelled: lambda: Labelled(label="alone-2"),
    Halving: lambda: Halving(kind="alone", epochs=(1, 2, 4)),
    Smoothed: lambda: Smoothed(label="alone-1"),
    Combined: lambda: Combined(cheap="alone-1", dear="alone-4"),
}


@pytest.fixture(params=concrete(LabelPolicy), ids=lambda kind: kind.__name__)
def policy(request):
    return MAKE[request.param]()


def test_every_genotype_gets_a_finite_score_that_the_seed_decides(policy):
    first, second = (policy.scores(Ledger(TABLE), seed=3) for _ in range(2))
    assert first.shape == (12,)
    assert np.isfinite(first).all()
    assert np.array_equal(first, second)


def test_the_table_is_left_as_it_was_and_final_networks_are_not_looked_at(policy):
    table, other = made_table(), made_table()
    other.final[:] = 0.5
    found = policy.scores(Ledger(table), seed=0)
    assert np.array_equal(found, policy.scores(Ledger(other), seed=0))
    assert all(np.array_equal(rows, TABLE.losses[name]) for name, rows in table.losses.items())


def test_its_settings_make_it_and_its_name_tells_it_apart(policy):
    assert policy == MAKE[type(policy)]()
    names = [one.name for one in policies_of(TABLE)]
    assert len(names) == len(set(names))
    assert type(policy) in {type(one) for one in policies_of(TABLE)}


def cost(policy):
    ledger = Ledger(TABLE)
    policy.scores(ledger, seed=0)
    return ledger.cost


def test_what_is_counted_is_free_and_a_label_costs_its_training_and_its_measurement():
    assert cost(Counted(what="multiply_adds")) == 0
    assert cost(Labelled(label="alone-2")) == 200 + MEASURED
    assert cost(Labelled(label="alone-2", reading="one strength")) == 200 + 10 + 70
    assert cost(Labelled(label="shared")) == 50 + MEASURED
    assert cost(Labelled(label="from-shared-1")) == 150 + MEASURED


def test_shared_weights_are_paid_for_once():
    ledger = Ledger(TABLE)
    ledger.ask("shared", ledger.everyone)
    ledger.ask("from-shared-1", ledger.everyone)
    assert ledger.cost == 50 + MEASURED + 100 + MEASURED


def test_halving_pays_for_all_then_for_halves():
    assert cost(Halving(kind="alone", epochs=(1, 2, 4))) == pytest.approx(
        (12 * (100 + MEASURED) + 6 * (200 + MEASURED) + 3 * (400 + MEASURED)) / 12
    )


def test_halving_ranks_by_how_far_one_went_and_then_by_the_last_label():
    """Against doing it by hand."""
    found = Halving(kind="alone", epochs=(1, 2, 4)).scores(Ledger(TABLE), seed=0)
    first, second, last = (TABLE.wide_loss(f"alone-{epochs}") for epochs in (1, 2, 4))
    order = sorted(range(12), key=lambda one: first[one])
    left, out = order[:6], order[6:]
    again = sorted(left, key=lambda one: second[one])
    finals = sorted(again[:3], key=lambda one: last[one])
    assert np.argsort(-found).tolist() == [*finals, *again[3:], *out]


def test_one_strength_is_the_one_trained_at():
    table = made_table()
    table.losses["alone-1"][:, 2] = np.arange(12.0)
    assert Ledger(table).ask("alone-1", [5, 3], "one strength").tolist() == [5.0, 3.0]


def test_a_dear_label_of_a_third_corrects_a_cheap_one():
    """Where the cheap label is half noise, its rank agreement with the truth rises, on the mean of three draws."""
    table = made_table(30, seed=1)
    truth, cheap = table.wide_loss("alone-4"), table.wide_loss("alone-1")
    policy = Combined(cheap="alone-1", dear="alone-4", share=0.5)
    found = [-np.corrcoef(policy.scores(Ledger(table), seed=seed), truth)[0, 1] for seed in range(3)]
    assert np.mean(found) > np.corrcoef(cheap, truth)[0, 1]


def test_impossible_policies_are_refused():
    with pytest.raises(InputError, match=r"^what: expected one of parameters, multiply_adds, got depth"):
        Counted(what="depth")
    with pytest.raises(InputError, match=r"^share: expected a share in \(0,1\), got 1"):
        Combined(cheap="shared", dear="alone-4", share=1.0)
    with pytest.raises(InputError, match=r"^reading: expected one of wide loss, wide accuracy, one strength"):
        Ledger(TABLE).ask("alone-1", [0], "clean")
