"""No class escapes its contract: every abstract base has a contract test, and that test runs with every class of it."""

import sys
from pathlib import Path

import pytest
from tests.contracts import concrete, contracts, exercised, modules

import wsrnas
import wsrnas.attacks
from wsrnas.attacks import Attack
from wsrnas.data.augment import Augment
from wsrnas.data.sources.base import Source
from wsrnas.data.split import Split
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.noise import NoiseEstimator
from wsrnas.evaluation.protocols.base import Protocol
from wsrnas.export.base import ExportFormat
from wsrnas.models.network import NetworkSpec
from wsrnas.networks.cells.sharing import AfterRelu
from wsrnas.networks.stages.parts import Part
from wsrnas.reproduce.runs import Run
from wsrnas.reproduce.tables.base import Table
from wsrnas.runs.loggers import Client
from wsrnas.search.base import Evaluator, Strategy
from wsrnas.search.report.sections import Section
from wsrnas.search.wsr.choose import Chooser
from wsrnas.spaces import Genotype, SearchSpace, SuperNetwork
from wsrnas.studies.labels.policies import LabelPolicy
from wsrnas.training.losses import TrainingLoss
from wsrnas.training.schedules import Schedule

TESTED = {
    Attack: "attacks/test_attack_contract.py",
    Augment: "data/test_augment.py",
    Chooser: "search/test_chooser_contract.py",
    Evaluator: "search/test_evaluator_contract.py",
    ExportFormat: "export/test_export_contract.py",
    LabelPolicy: "studies/labels/test_policies.py",
    LossEstimator: "estimators/loss/test_contract.py",
    NetworkSpec: "models/test_network_contract.py",
    NoiseEstimator: "estimators/noise/test_contract.py",
    Protocol: "evaluation/test_protocol_contract.py",
    Schedule: "training/test_schedules.py",
    SearchSpace: "spaces/test_space_contract.py",
    Section: "search/test_section_contract.py",
    Source: "data/sources/test_source_contract.py",
    Split: "data/test_split.py",
    Strategy: "search/test_strategy_contract.py",
    SuperNetwork: "spaces/test_space_contract.py",
    TrainingLoss: "training/test_losses.py",
}
"""The file that holds every class of a contract to its promises."""
UNTESTED: dict[type, str] = {
    AfterRelu: "every operation gives what it gives without the fast path, in networks/cells/test_fast_paths.py",
    Features: "every space's are asked of the space, in spaces/test_space_contract.py",
    Genotype: "every space's are written and read back through the space, in spaces/test_space_contract.py",
    Run: "every kind of run is made by the tables, in reproduce/",
    Table: "each of the seven is made at a tiny scale, in reproduce/",
    Client: "each library's client is told the same numbers, in test_loggers.py",
    Part: "pieces of networks are counted against what they build, in networks/stages/test_blocks.py",
}
"""Abstract bases that need no contract test, each with the reason."""

NEW = """
from dataclasses import dataclass
from wsrnas.attacks.base import Attack

class Between(Attack):
    '''Still abstract, so never a part by itself.'''

@dataclass(frozen=True, kw_only=True)
class Deepest(Between):
    passes = 0
    def _craft(self, victim, ball, goal, generator):
        return ball.images
"""


def test_every_abstract_base_has_a_contract_test_or_a_reason():
    assert {kind.__name__ for kind in contracts()} == {kind.__name__ for kind in (*TESTED, *UNTESTED)}
    assert not set(TESTED) & set(UNTESTED)
    assert all(UNTESTED.values())


@pytest.mark.parametrize("base", TESTED, ids=lambda base: base.__name__)
def test_the_contract_test_runs_with_every_class(base, request):
    missed = set(concrete(base)) - exercised(TESTED[base], request.session)
    assert not missed, f"tests/{TESTED[base]} does not test {sorted(kind.__name__ for kind in missed)}"


def test_every_module_is_looked_into():
    root = Path(wsrnas.__file__).parent
    files = {".".join(("wsrnas", *path.relative_to(root).with_suffix("").parts)) for path in root.rglob("*.py")}
    assert {name.removesuffix(".__init__") for name in files} == {*modules(), "wsrnas.__main__"}


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A sub-package of a sub-package of the attacks, with a new attack two classes down."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "__init__.py").touch()
    (tmp_path / "deep" / "er" / "__init__.py").touch()
    (tmp_path / "deep" / "er" / "new.py").write_text(NEW)
    monkeypatch.setattr(wsrnas.attacks, "__path__", [*wsrnas.attacks.__path__, str(tmp_path)])
    yield "wsrnas.attacks.deep.er.new"
    for name in [name for name in sys.modules if name.startswith("wsrnas.attacks.deep")]:
        del sys.modules[name]
    vars(wsrnas.attacks).pop("deep")


def test_a_class_deep_in_a_sub_package_is_found_and_missed_by_its_contract_test(deep, request):
    before = [kind.__name__ for kind in concrete(Attack)]
    assert deep in sys.modules
    assert "Deepest" in before
    assert "Between" not in before
    with pytest.raises(AssertionError, match=r"attacks/test_attack_contract\.py does not test \['Deepest'\]"):
        test_the_contract_test_runs_with_every_class(Attack, request)


def test_a_module_that_cannot_be_imported_is_no_reason_to_look_away(deep, tmp_path):
    (tmp_path / "deep" / "broken.py").write_text("from wsrnas.attacks.base import Attak\n")
    with pytest.raises(ImportError, match="Attak"):
        concrete(Attack)


def test_a_class_that_was_taken_away_again_is_not_found():
    assert "Deepest" not in {kind.__name__ for kind in concrete(Attack)}


def test_a_new_abstract_base_without_a_contract_test_is_missed(monkeypatch):
    class Untested(Attack.__base__):  # type: ignore[misc, name-defined]
        pass

    Untested.__module__ = "wsrnas.attacks"
    monkeypatch.setattr(wsrnas.attacks, "Untested", Untested, raising=False)
    with pytest.raises(AssertionError, match="Untested"):
        test_every_abstract_base_has_a_contract_test_or_a_reason()
