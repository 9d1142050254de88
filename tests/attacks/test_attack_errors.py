"""Every bad input gets a message that names the remedy."""

import math

import pytest
import torch
from torch import nn

from wsrnas.attacks import APGD, FGSM, FMN, PGD, AutoAttack, BlackBox, RandomNoise, Square, TargetedAPGD, Transfer
from wsrnas.errors import InputError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps": 8.0}, r"eps: expected an L-infinity radius in \[0,1\], got 8; did you mean 8/255\?"),
        ({"eps": -0.1}, "eps: expected a finite radius >= 0, got -0.1"),
        ({"eps": math.nan}, "eps: expected a finite radius >= 0, got nan"),
        ({"eps": 0.1, "steps": 0}, "steps: expected a whole number >= 1, got 0"),
        ({"eps": 0.1, "step_size": -1.0}, "step_size: expected a number > 0, got -1.0; leave it out"),
        ({"eps": 0.1, "restarts": 3, "random_start": False}, "restarts: expected 1 without random_start"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(InputError, match=message):
        PGD(**settings)


def test_l2_radii_may_exceed_one():
    assert PGD(eps=8.0, norm="L2").eps == 8.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: APGD(eps=0.1, restarts=0), "restarts: expected a whole number"),
        (lambda: TargetedAPGD(eps=0.1, classes=0), "classes: expected a whole number"),
        (lambda: Square(eps=0.1, queries=0), "queries: expected a whole number"),
        (lambda: Square(eps=0.1, fraction=0.0), "fraction: expected a share"),
        (lambda: RandomNoise(eps=0.1, draws=0), "draws: expected a whole number"),
        (lambda: AutoAttack(eps=0.1, steps=0), "steps: expected a whole number"),
        (lambda: BlackBox(eps=0.1, epochs=0), "epochs: expected a whole number"),
        (lambda: BlackBox(eps=0.1, rounds=-1), "rounds and max_images"),
        (lambda: BlackBox(eps=0.1, seed_images=torch.zeros(3, 8, 8)), "seed_images: expected shape"),
        (lambda: Transfer(eps=0.1, sources=(), attack=FGSM(eps=0.1)), r"sources: .*write sources=\(model,\)"),
        (
            lambda: Transfer(eps=0.1, sources=(nn.Identity(),), attack=FGSM(eps=0.1, norm="L2")),
            r"attack: expected an attack in Linf, got L2; write attack=FGSM\(norm='Linf'",
        ),
        (lambda: FMN(eps=0.1, classes=0), "classes: expected a whole number >= 1, got 0"),
        (lambda: FMN(eps=0.1, shrinking=1.0), r"shrinking: expected a share in \(0,1\)"),
        (lambda: FMN(eps=0.1, step_size=0.0), "step_size: expected a number > 0"),
        (lambda: FMN(eps=0.1, closing=-1), "closing: expected at least 0, got -1"),
    ],
)
def test_settings_of_the_others(make, message):
    with pytest.raises(InputError, match=message):
        make()


def nan_at(images):
    images = images.clone()
    images[1, 0, 2, 2] = math.nan
    return images


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x * 255, r"images: expected pixels in \[0,1\], got \[0, 255\]; divide 0..255 images by 255"),
        (lambda x: x * 4 - 2, r"images: .*got \[-2, 2\]; put normalisation inside the model"),
        (nan_at, "images: expected finite pixels, got NaN"),
        (lambda x: x[0], r"images: expected shape \(B,C,H,W\), got \(3, 6, 6\); add the batch axis"),
        (lambda x: (x * 255).to(torch.uint8), "images: expected float32 or float64.*divide 0..255 images by 255"),
        (lambda x: x.half(), r"images: expected float32.*convert them with .float\(\)"),
    ],
)
def test_images(build, batch, change, message):
    images, labels = batch(10)
    with pytest.raises(InputError, match=message):
        FGSM(eps=0.1)(build(10), change(images), labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:-1], r"labels: expected one class per image, shape \(5,\), got \(4,\)"),
        (lambda y: nn.functional.one_hot(y, 10), r"labels: .*turn one-hot rows into classes with .argmax\(1\)"),
        (lambda y: y.float(), r"labels: expected integer classes, got torch.float32; convert them with .long\(\)"),
        (lambda y: y - 100, "labels: expected classes counted from 0, got -"),
        (lambda y: y + 10, r"labels: expected classes 0 to 9, the model has 10 logits, got label 1\d; give labels"),
    ],
)
def test_labels(build, batch, change, message):
    images, labels = batch(10)
    with pytest.raises(InputError, match=message):
        FGSM(eps=0.1)(build(10), images, change(labels))


def test_targets_out_of_range(build, batch):
    images, labels = batch(10)
    with pytest.raises(InputError, match="targets: expected classes counted from 0, got -1"):
        PGD(eps=0.1)(build(10), images, labels, targets=labels * 0 - 1)


@pytest.mark.parametrize(
    ("wrap", "message"),
    [
        (lambda z: (z, z), r"model: expected a tensor of logits \(B, classes\), got a tuple; wrap it.*model\(x\)\[0\]"),
        (lambda z: {"logits": z}, r"model: .*got a dict; wrap it in a module.*model\(x\)\['logits'\]"),
        (lambda z: z.detach().numpy(), "model: .*got a ndarray; return a torch tensor"),
        (lambda z: z[:, :1], r"model: expected logits of shape \(5, classes\) with at least 2 classes, got \(5, 1\)"),
        (lambda z: z[:3], r"model: expected logits of shape \(5, classes\)"),
        (lambda z: z.argmax(1, keepdim=True).expand(-1, 10), "model: expected floating-point logits, got torch.int64"),
        (lambda z: z * math.nan, "model: expected finite logits, got NaN or infinite ones; check the weights"),
    ],
)
@pytest.mark.parametrize("attack", [FGSM(eps=0.1), Square(eps=0.1, queries=5)], ids=["FGSM", "Square"])
def test_model_outputs(build, batch, attack, wrap, message):
    (images, labels), network = batch(10), build(10)
    with pytest.raises(InputError, match=message):
        attack(lambda x: wrap(network(x)), images, labels)


def test_gradients_that_are_not_numbers(build, batch):
    images, labels = batch(10)
    network = build(10)
    with pytest.raises(InputError, match="model: expected finite gradients"):
        FGSM(eps=0.1)(lambda x: network(x) + (x - x).sqrt().sum(), images, labels)


def test_parameters_made_in_inference_mode(build, batch):
    with torch.inference_mode():
        model = build(10)
    with pytest.raises(InputError, match=r"model: expected ordinary parameters.*outside torch.inference_mode"):
        FGSM(eps=0.1)(model, *batch(10))
