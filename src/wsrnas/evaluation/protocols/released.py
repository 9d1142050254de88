"""The released protocol: what the paper's released code does, for comparison with its printed numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import ClassVar, Literal, final

import torch
from torch import nn
from torch.nn import functional

from wsrnas.errors import refuse
from wsrnas.evaluation.protocols.base import Curve, Protocol, Setting
from wsrnas.evaluation.protocols.scoring import Tally, answers, misclassified, plainly
from wsrnas.evaluation.record import AnyAttack, Record
from wsrnas.evaluation.verify import check_noise, eight_bit
from wsrnas.models.module import Wrapped
from wsrnas.rng import fixed_global_seed
from wsrnas.runtime import processes
from wsrnas.types import Images, Labels, Norm

STEPS = 20
LABEL = "PGD-20-train-mode"
DESCRIPTION = "PGD-20, step 2.5 eps/20, no random start, cross-entropy, BatchNorm in train mode during the attack"


@final
@dataclass(frozen=True, kw_only=True)
class Released(Protocol):
    """PGD-20 in train mode, prediction in eval mode, each strength on its own.

    The 20 forward passes of the attack update the running averages of BatchNorm, so that the network scored is not the
    one attacked and has adapted to the test batch (at momentum 0.1, 1 − 0.9²⁰ = 88 % of its statistics). The averages
    carry over from batch to batch; every strength starts from a fresh copy, so the caller's model is never touched.

    Args:
        batch_size: changes the result; 25 as in the released code.

    Source: the released research code of Cheng et al., AAAI 2023 (retraining scripts).
    Differs from the released code: strengths do not share the polluted averages; images are taken in order.
    """

    batch_size: int = 25

    name: ClassVar[str] = "released"
    believed: ClassVar[bool] = False
    line: ClassVar[Literal["solid", "dashed"]] = "dashed"
    explanation: ClassVar[str] = (
        "Released: what the paper's released code does. BatchNorm is in train mode during the attack, so the network "
        "scored is not the one attacked and has adapted to the test images. It only serves to compare with printed "
        "numbers."
    )

    def accepted(self, attacks: dict[str, AnyAttack] | None, suite: dict[str, AnyAttack]) -> dict[str, AnyAttack]:
        """Refuse any attack but its own."""
        if attacks is not None:
            refuse("attacks", expected="none: the released protocol fixes its attack", got="attacks",
                   remedy="leave it out")  # fmt: skip
        return {}

    def described(self, attacks: dict[str, AnyAttack]) -> dict[str, str]:
        """Return the settings of its attack."""
        return {LABEL: DESCRIPTION}

    def check(self, model: nn.Module, norm: Norm) -> None:
        """Refuse L2, and a model that is not an `nn.Module`: it has no train mode."""
        if norm != "Linf":
            refuse("norm", expected="Linf in the released protocol", got=norm, remedy="use protocol='strict'")
        if isinstance(model, Wrapped):
            refuse("model", expected="an nn.Module", got="a function, which has no train mode",
                   remedy="protocol='strict'")  # fmt: skip

    def measure(self, setting: Setting, attacks: dict[str, AnyAttack]) -> Curve:
        """Attack and score a copy of the model at every strength."""
        if setting.copies.reason:
            refuse("model", expected="one that can be copied, for its BatchNorm changes in this protocol",
                   got=setting.copies.reason, remedy="use protocol='strict'")  # fmt: skip
        setting.copies.renew = False  # its network is to keep BatchNorm's averages from call to call
        shape = (len(setting.labels), len(setting.strengths))
        curve = Curve(
            survives=torch.zeros(shape, dtype=torch.bool), survives_eight_bit=torch.zeros(shape, dtype=torch.bool)
        )
        records, recorded = list[Record](), _recorded(setting)
        for column, strength in enumerate(setting.strengths):
            if strength == 0:
                curve.survives[:, column] = curve.survives_eight_bit[:, column] = setting.clean_correct
            else:
                record = next(recorded)
                records.append(record)
                curve.survives[:, column] = ~torch.tensor(record.broken)
                curve.survives_eight_bit[:, column] = ~torch.tensor(record.broken_eight_bit)
                curve.passes += 2 * STEPS + 2
            setting.advance(shape[0], note=f"{self.name} at {setting.text(strength)}")
        curve.raw_accuracy = curve.survives.double().mean(0).tolist()
        curve.per_attack = {LABEL: list(curve.raw_accuracy)}
        curve.facts = {
            "attacked_network_is_scored_network": False,
            "why": DESCRIPTION,
            "broken_gradients": any(record.broken_gradients for record in records),
        }
        return curve


def _recorded(setting: Setting) -> Iterator[Record]:
    """Yield the result at every strength above 0, stored or run and stored.

    Batches follow from one another here, strengths do not: each process runs another one.
    """
    everything, found = list(range(len(setting.labels))), dict[float, Record]()
    strengths = [strength for strength in setting.strengths if strength > 0]
    for place, strength in enumerate(strengths):
        record = found.pop(strength, None) or setting.store.read(LABEL, strength, everything)
        if record is None:
            later = (one for one in strengths[place + 1 :] if one not in found)
            missing = (one for one in later if setting.store.read(LABEL, one, everything) is None)
            record = _run_together(setting, [strength, *islice(missing, processes.size() - 1)], found)
        yield record


def _run_together(setting: Setting, strengths: list[float], found: dict[float, Record]) -> Record:
    """Run one strength on each process and store them all; return the first, leave the others in `found`."""

    def own() -> Record | None:
        place = processes.rank()
        return _run(setting, strengths[place]) if place < len(strengths) else None

    records = [record for record in processes.gather(own) if record is not None]
    found.update({record.strength: record for record in records[1:]})
    for record in records:
        setting.store.write(record)
    return records[0]


def _run(setting: Setting, strength: float) -> Record:
    model, tally = setting.copies.fresh(), Tally()
    count = len(setting.labels)
    for rows in batch_rows(count, setting.batch_size):
        images, labels = setting.images[rows], setting.labels[rows]
        with plainly(LABEL, len(labels)), fixed_global_seed(setting.seed, "released", f"{strength:.8g}", rows.start):
            moved = train_mode_pgd(model, images.to(setting.device), labels.to(setting.device), strength).cpu()
        tally.distance += check_noise(images, moved, strength, setting.norm, attack=LABEL).tolist()
        model.eval()
        wrong = answers(setting, model, moved).argmax(1) != labels
        rounded, inside = eight_bit(images, moved, strength, setting.norm)
        tally.broken += wrong.tolist()
        tally.broken_eight_bit += (wrong & inside & misclassified(setting, model, rounded, labels)).tolist()
    tally.broken_gradients = model.broken_gradients
    return Record(attack=LABEL, strength=strength, indices=list(range(count)), **asdict(tally))


def train_mode_pgd(model: nn.Module, images: Images, labels: Labels, strength: float, *, steps: int = STEPS) -> Images:
    """x ← clip(x + 2.5ε/K · sign ∇L) K times, the model in train mode, its buffers updated by every forward pass."""
    model.train()
    adversarial = images.clone()
    for _ in range(steps):
        adversarial.requires_grad_(True)
        with torch.enable_grad():
            loss = functional.cross_entropy(model(adversarial), labels)
            (gradient,) = torch.autograd.grad(loss, adversarial)
        stepped = adversarial.detach() + 2.5 * strength / steps * gradient.sign()
        adversarial = torch.clamp(torch.clamp(stepped, images - strength, images + strength), 0, 1)
    return adversarial


def batch_rows(count: int, batch_size: int) -> list[slice]:
    """Cut `count` images into batches; a last batch of one joins the one before, as BatchNorm needs two."""
    starts = list(range(0, count, batch_size))
    if len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], count])]
