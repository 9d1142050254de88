"""Each training loss against a slow loop written from its paper, and one contract for all of them."""

import copy
import math
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from tests.contracts import concrete
from torch import nn

from wsrnas.errors import InputError
from wsrnas.parts import PartConfig
from wsrnas.training.losses import LOSSES, TRADES, FastAT, FreeAT, MultiStrength, PGDTraining, Standard, TrainingLoss
from wsrnas.training.losses.base import check_mode
from wsrnas.training.losses.trades import divergences

EPS = 8 / 255
EXAMPLES = {
    "standard": Standard(),
    "pgd": PGDTraining(eps=EPS, steps=2),
    "trades": TRADES(eps=EPS, steps=2, beta=2.0),
    "fast": FastAT(eps=EPS),
    "free": FreeAT(eps=EPS, replays=3),
    "multi": MultiStrength(strengths=(2 / 255, EPS), steps=2),
}
EXAMPLES |= {kind.name: kind(eps=EPS) for kind in concrete(TrainingLoss) if not kind.__module__.startswith("wsrnas.")}


def test_every_loss_has_a_name_and_an_example():
    assert {kind.name: kind for kind in concrete(TrainingLoss)} == dict(LOSSES.items())
    assert set(EXAMPLES) == set(LOSSES.names())


def counting(model: nn.Module, counts: dict[str, int]) -> nn.Module:
    model.register_forward_hook(lambda *_: counts.__setitem__("forward", counts["forward"] + len(_[1][0])))
    return model


@pytest.mark.parametrize("kind", concrete(TrainingLoss), ids=lambda kind: kind.name)
class TestContract:
    def test_gives_a_scalar_and_logits_and_is_frozen(self, kind, tiny_network, batch, generator):
        loss, (images, labels), model = EXAMPLES[kind.name], batch(), tiny_network()
        value, logits = loss(model, images, labels, generator())
        assert value.shape == ()
        assert value.requires_grad
        assert logits.shape == (len(labels), 4)
        with pytest.raises((FrozenInstanceError, AttributeError)):
            loss.eps = 1.0

    def test_leaves_mode_flags_and_gradients_and_moves_statistics_once_per_training_pass(
        self, kind, tiny_network, batch, generator
    ):
        loss, (images, labels), model = EXAMPLES[kind.name], batch(), tiny_network()
        model[1].weight.requires_grad_(False)
        model[2].eval()
        before = copy.deepcopy(model.state_dict())
        loss(model, images, labels, generator())
        assert model.training
        assert model[1].training
        assert not model[2].training
        assert not model[1].weight.requires_grad
        assert all(parameter.grad is None for parameter in model.parameters())
        after = model.state_dict()
        for name, _ in model.named_parameters():
            assert torch.equal(after[name], before[name])
        assert after["1.num_batches_tracked"] == (2 if kind is TRADES else 1)

    def test_draws_from_the_generator_only(self, kind, tiny_network, batch, generator):
        loss, (images, labels), model = EXAMPLES[kind.name], batch(), tiny_network()
        torch.manual_seed(1)
        first = loss(copy.deepcopy(model), images, labels, generator(5))[0]
        torch.manual_seed(2)
        state = torch.get_rng_state()
        second = loss(copy.deepcopy(model), images, labels, generator(5))[0]
        assert torch.equal(first, second)
        assert torch.equal(torch.get_rng_state(), state)

    def test_a_few_steps_lower_it(self, kind, tiny_network, batch, generator):
        loss, (images, labels), model = EXAMPLES[kind.name], batch(16), tiny_network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        values = []
        for step in range(25):
            value, _ = loss(model, images, labels, generator(step))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            values.append(value.item())
        assert sum(values[-3:]) < sum(values[:3])

    def test_passes_are_what_is_done(self, kind, tiny_network, batch, generator):
        loss, (images, labels) = EXAMPLES[kind.name], batch()
        seen = {"forward": 0, "backward": 0}
        model = tiny_network()

        def count(module, inputs, output):
            seen["forward"] += len(inputs[0])
            if output.requires_grad:
                rows = len(inputs[0])
                output.register_hook(lambda gradient: seen.__setitem__("backward", seen["backward"] + rows))

        model[5].register_forward_hook(count)
        for value, _ in loss.updates(model, images, labels, generator(), {}):
            value.backward()
        assert (seen["forward"] + seen["backward"]) / len(images) == loss.passes

    def test_its_first_update_is_the_call(self, kind, tiny_network, batch, generator):
        loss, (images, labels), model = EXAMPLES[kind.name], batch(), tiny_network()
        called = loss(copy.deepcopy(model), images, labels, generator(4))
        updated = next(loss.updates(copy.deepcopy(model), images, labels, generator(4), {}))
        assert all(torch.equal(one, other) for one, other in zip(called, updated))

    def test_every_setting_has_a_default(self, kind):
        path = f"{kind.__module__}:{kind.__qualname__}"
        assert kind() == LOSSES.build(PartConfig(name=path), argument="loss")


@pytest.mark.parametrize("name", [name for name, loss in EXAMPLES.items() if "attack_mode" in vars(loss)])
def test_batchnorm_without_averages_sees_no_attack_mode(name, tiny_network, batch, generator):
    images, labels = batch()
    values = []
    for mode in ("eval", "train"):
        model = tiny_network()
        model[1] = nn.BatchNorm2d(6, affine=False, track_running_stats=False)
        values.append(replace(EXAMPLES[name], attack_mode=mode)(model, images, labels, generator())[0])
    assert torch.equal(*values)


def slow_cross_entropy(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels):
        exponentials = [math.exp(value - max(row.tolist())) for value in row.tolist()]
        total -= math.log(exponentials[int(label)] / sum(exponentials))
    return total / len(labels)


def slow_divergence(clean, perturbed):
    total = 0.0
    for p_row, q_row in zip(clean.softmax(1).tolist(), perturbed.softmax(1).tolist()):
        total += sum(p * (math.log(p) - math.log(q)) for p, q in zip(p_row, q_row))
    return total / len(clean)


def slow_pgd(model, images, start, eps, step, steps, value):
    """x' ← Π(x' + step·sign ∇ value(f(x'))), one pixel's bounds at a time by min and max."""
    current = start
    for _ in range(steps):
        current = current.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(value(model(current)), current)
        moved = current.detach() + step * gradient.sign()
        moved = torch.minimum(torch.maximum(moved, images - eps), images + eps)
        current = torch.minimum(torch.maximum(moved, torch.zeros(())), torch.ones(()))
    return current.detach()


def scored(model, images):
    copied = copy.deepcopy(model).train()
    with torch.no_grad():
        return copied(images)


def test_standard_is_the_cross_entropy(tiny_network, batch, generator):
    model, (images, labels) = tiny_network(), batch()
    expected = slow_cross_entropy(scored(model, images), labels)
    value, _ = Standard()(model, images, labels, generator())
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_pgd_training_is_madrys_saddle_point(mode, tiny_network, batch, generator):
    model, (images, labels) = tiny_network(), batch()
    loss = PGDTraining(eps=EPS, steps=7, random_start=False, attack_mode=mode)
    attacked = copy.deepcopy(model).train(mode == "train")
    adversarial = slow_pgd(
        attacked,
        images,
        images,
        EPS,
        2.5 * EPS / 7,
        7,
        lambda z: nn.functional.cross_entropy(z, labels, reduction="sum"),
    )
    value, logits = loss(model, images, labels, generator())
    assert value.item() == pytest.approx(slow_cross_entropy(scored(model, adversarial), labels), rel=1e-4)
    assert torch.allclose(logits, scored(tiny_network(), adversarial), atol=1e-4)


def test_trades_is_its_equation_5_with_algorithm_1(tiny_network, batch, generator):
    model, (images, labels) = tiny_network(), batch()
    step = 0.5 * EPS
    loss = TRADES(eps=EPS, beta=3.0, steps=4, step_size=step)
    attacked = copy.deepcopy(model).eval()
    clean = attacked(images).detach()
    start = (images + 0.001 * torch.randn(images.shape, generator=generator(3))).clamp(0, 1)

    def divergence(logits):
        p = clean.softmax(1)
        return (p * (p.log() - logits.log_softmax(1))).sum()

    adversarial = slow_pgd(attacked, images, start, EPS, step, 4, divergence)
    trained_clean, trained_adversarial = scored(model, images), scored(model, adversarial)
    robust = slow_divergence(trained_clean, trained_adversarial)
    expected = slow_cross_entropy(trained_clean, labels) + 3.0 * robust
    value, logits = loss(model, images, labels, generator(3))
    assert value.item() == pytest.approx(expected, rel=1e-4)
    assert torch.allclose(logits, trained_adversarial, atol=1e-4)
    assert robust > 0


def test_trades_robust_term_is_not_the_advrush_zero(tiny_network, batch, generator):
    """Both terms depend on the weights: beta changes the gradient (in AdvRush's code it cannot)."""
    images, labels = batch()
    gradients = []
    for beta in (1.0, 6.0):
        model = tiny_network()
        TRADES(eps=EPS, beta=beta, steps=3)(model, images, labels, generator())[0].backward()
        gradients.append(model[5].weight.grad)
    assert not torch.allclose(*gradients, rtol=1e-3)


def test_divergence_is_zero_only_for_equal_distributions():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]])
    assert divergences(logits, logits + 7.0).abs().max() < 1e-6
    assert (divergences(logits, logits.flip(1)) > 0.1).all()
    assert divergences(logits, logits.flip(1)).mean().item() == pytest.approx(slow_divergence(logits, logits.flip(1)))


def test_fast_training_is_algorithm_3_of_wong(tiny_network, batch, generator):
    model, (images, labels) = tiny_network(), batch()
    uniform = (torch.rand(images.shape, generator=generator(2)) * 2 - 1) * EPS
    attacked = copy.deepcopy(model).train()
    adversarial = slow_pgd(
        attacked,
        images,
        (images + uniform).clamp(0, 1),
        EPS,
        1.25 * EPS,
        1,
        lambda z: nn.functional.cross_entropy(z, labels, reduction="sum"),
    )
    value, _ = FastAT(eps=EPS)(model, images, labels, generator(2))
    assert value.item() == pytest.approx(slow_cross_entropy(scored(model, adversarial), labels), rel=1e-4)


def test_multi_strength_trains_on_all_strengths_in_one_batch(tiny_network, batch, generator):
    model, (images, labels) = tiny_network(), batch()
    strengths = (2 / 255, 6 / 255, 12 / 255)
    attacked, parts = copy.deepcopy(model).eval(), []
    for eps in strengths:
        parts.append(
            slow_pgd(
                attacked,
                images,
                images,
                eps,
                2.5 * eps / 3,
                3,
                lambda z: nn.functional.cross_entropy(z, labels, reduction="sum"),
            )
        )
    together = scored(model, torch.cat(parts))
    value, logits = MultiStrength(strengths=strengths, steps=3, random_start=False)(model, images, labels, generator())
    assert value.item() == pytest.approx(slow_cross_entropy(together, labels.repeat(3)), rel=1e-4)
    assert torch.allclose(logits, together[-len(labels) :], atol=1e-4)


def test_free_training_is_algorithm_1_of_shafahi(tiny_network, batch, generator):
    """δ and θ move by one gradient, m times a batch, and δ goes on from batch to batch."""
    ours, theirs, carried = tiny_network(), tiny_network(), {}
    loss = FreeAT(eps=EPS, replays=3)
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9) for model in (ours, theirs)]
    noise = torch.zeros(6, 3, 8, 8)
    for seed in (0, 1):
        images, labels = batch(seed=seed)
        for value, _ in loss.updates(ours, images, labels, generator(), carried):
            optimizers[0].zero_grad()
            value.backward()
            optimizers[0].step()
        for _ in range(3):
            noise.requires_grad_(True)
            optimizers[1].zero_grad()
            nn.functional.cross_entropy(theirs((images + noise).clamp(0, 1)), labels).backward()
            optimizers[1].step()
            noise = torch.clamp(noise.detach() + EPS * noise.grad.sign(), -EPS, EPS)
    assert all(torch.equal(one, other) for one, other in zip(ours.state_dict().values(), theirs.state_dict().values()))
    assert torch.equal(carried["noise"], noise)
    assert noise.abs().max() > 0


def test_free_training_starts_anew_where_the_batch_has_another_size(tiny_network, batch, generator):
    carried = {"noise": torch.full((5, 3, 8, 8), EPS)}
    images, labels = batch()
    value, _ = next(FreeAT(eps=EPS).updates(tiny_network(), images, labels, generator(), carried))
    assert torch.equal(value, FreeAT(eps=EPS)(tiny_network(), images, labels, generator())[0])


def test_free_training_needs_the_gradient_of_its_own_loss(tiny_network, batch, generator):
    images, labels = batch()
    updates = FreeAT(eps=EPS).updates(tiny_network(), images, labels, generator(), {})
    next(updates)
    with pytest.raises(InputError, match="model: expected logits that depend differentiably on the images"):
        next(updates)


@pytest.mark.parametrize("name", ["standard", "pgd", "fast"])
def test_label_smoothing_spreads_a_share_over_all_classes(name, tiny_network, batch, generator):
    images, labels = batch()
    plain, smooth = (
        replace(EXAMPLES[name], label_smoothing=share)(tiny_network(), images, labels, generator(1))
        for share in (0.0, 0.2)
    )
    assert torch.equal(plain[1], smooth[1])
    everywhere = sum(slow_cross_entropy(smooth[1], torch.full_like(labels, k)) for k in range(4)) / 4
    assert smooth[0].item() == pytest.approx(0.8 * plain[0].item() + 0.2 * everywhere, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FreeAT(replays=0), "loss.settings.replays: expected at least 1 optimiser step per batch, got 0"),
        (lambda: FreeAT(eps=float("nan")), "loss.settings.eps: expected a radius > 0"),
        (lambda: Standard(label_smoothing=1.0), r"loss.settings.label_smoothing: expected a share in \[0,1\), got 1.0"),
        (
            lambda: PGDTraining(eps=8.0),
            r"loss.settings.eps: expected an L-infinity radius in \[0,1\], got 8; did you mean 8/255\?",
        ),
        (lambda: PGDTraining(eps=0.0), "use the loss 'standard'"),
        (lambda: PGDTraining(eps=0.1, steps=0), "loss.settings.steps: expected at least 1 attack step, got 0"),
        (lambda: TRADES(eps=0.1, beta=0.0), "loss.settings.beta: expected a weight > 0, got 0.0"),
        (lambda: check_mode("frozen"), "loss.settings.attack_mode: expected 'eval' or 'train', got frozen"),
        (lambda: FastAT(eps=0.1, step_ratio=0.0), "loss.settings.step_ratio"),
        (lambda: MultiStrength(strengths=(0.1, 0.05)), "strictly ascending"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
