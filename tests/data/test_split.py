"""The contract of every split, in memory and decoded by workers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.contracts import concrete

from wsrnas.data import DataBundle, DataConfig, ResizedCrop, Shift, Split, load_data
from wsrnas.data.memory import MemorySplit
from wsrnas.data.workers import WorkerSplit
from wsrnas.errors import InputError
from wsrnas.rng import stream

PIPELINES: dict[type[Split], str] = {MemorySplit: "memory", WorkerSplit: "workers"}


def load(root: Path, pipeline: str, workers: int = 0) -> DataBundle:
    return load_data(DataConfig(name="folder", root=str(root), pipeline=pipeline, workers=workers, valid_fraction=0.4))


@pytest.fixture(params=concrete(Split), ids=lambda kind: PIPELINES[kind])
def bundle(request: pytest.FixtureRequest, image_folder: Path) -> DataBundle:
    found = load(image_folder, PIPELINES[request.param])
    assert type(found.train) is request.param
    return found


def everything(split: Split, size: int = 4, **options: object) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = zip(*split.batches(size, **options))
    return torch.cat(images), torch.cat(labels)


def test_in_order_all_images_come_once_as_fetch_gives_them(bundle: DataBundle) -> None:
    images, labels = everything(bundle.train)
    fetched, fetched_labels = bundle.train.fetch(torch.arange(len(bundle.train)))
    assert images.shape == (len(bundle.train), *bundle.image_shape)
    assert images.dtype == torch.float32
    assert 0 <= float(images.min()) < float(images.max()) <= 1
    assert torch.equal(images, fetched)
    assert torch.equal(labels, fetched_labels)
    assert torch.equal(labels, bundle.train.labels)


def test_fetch_takes_any_indices(bundle: DataBundle) -> None:
    images, labels = bundle.train.fetch(torch.tensor([3, 0, 3]))
    again, _ = bundle.train.fetch(torch.tensor([0, 3]))
    assert torch.equal(images, again[[1, 0, 1]])
    assert torch.equal(labels, bundle.train.labels[[3, 0, 3]])
    assert bundle.train.fetch(torch.tensor([], dtype=torch.int64))[0].shape == (0, *bundle.image_shape)


def test_a_generator_shuffles_reproducibly_and_is_advanced_by_one_draw(bundle: DataBundle) -> None:
    first, second, other = stream(0, "a"), stream(0, "a"), stream(1, "a")
    images, labels = everything(bundle.train, generator=first)
    same = everything(bundle.train, generator=second)
    assert torch.equal(images, same[0])
    assert not torch.equal(labels, everything(bundle.train, generator=other)[1])
    assert labels.sort().values.equal(bundle.train.labels.sort().values)
    reference = stream(0, "a")
    torch.randint(2**63 - 1, (1,), generator=reference)
    assert torch.equal(first.get_state(), reference.get_state())


@pytest.mark.parametrize("augment", [None, Shift(flip=True), ResizedCrop(jitter=0.4)], ids=["none", "shift", "crop"])
@pytest.mark.parametrize("start", [0, 1, 3, 4, 9])
def test_a_pass_goes_on_where_it_stopped(bundle: DataBundle, augment: Shift | ResizedCrop | None, start: int) -> None:
    whole = list(bundle.train.batches(4, generator=stream(0, "p"), augment=augment))
    rest = list(bundle.train.batches(4, generator=stream(0, "p"), augment=augment, start_batch=start))
    assert len(rest) == max(0, len(whole) - start)
    for (images, labels), (expected, expected_labels) in zip(rest, whole[start:]):
        assert torch.equal(images, expected)
        assert torch.equal(labels, expected_labels)


def test_the_last_batch_and_the_count(bundle: DataBundle) -> None:
    assert len(bundle.train) == 15
    for drop_last, sizes in ((False, [4, 4, 4, 3]), (True, [4, 4, 4])):
        batches = list(bundle.train.batches(4, drop_last=drop_last, generator=stream(0, "x")))
        assert [len(labels) for _, labels in batches] == sizes
        assert bundle.train.batch_count(4, drop_last=drop_last) == len(sizes)
    assert list(bundle.train.batches(16, drop_last=True)) == []


def test_augmentation_differs_between_images_and_passes_and_keeps_the_range(bundle: DataBundle) -> None:
    generator = stream(0, "x")
    first, labels = everything(bundle.train, generator=generator, augment=Shift())
    second, _ = everything(bundle.train, generator=generator, augment=Shift())
    assert first.shape == second.shape
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    plain, plain_labels = everything(bundle.train, generator=stream(0, "x"))
    assert torch.equal(labels, plain_labels)
    assert float((first != plain).flatten(1).any(1).float().mean()) > 0.5


def test_the_global_generator_is_left_alone(bundle: DataBundle) -> None:
    before = torch.random.get_rng_state()
    everything(bundle.train, generator=stream(0, "x"), augment=Shift())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
        ({"batch_size": 2, "start_batch": -1}, "start_batch: expected 0 or more, got -1"),
        ({"batch_size": 2, "augment": Shift()}, "generator: expected a torch.Generator for augmentation, got None"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(bundle: DataBundle, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bundle.train.batches(**options)


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_the_number_of_workers_and_the_pipeline_do_not_matter(image_folder: Path) -> None:
    bundles = [load(image_folder, "workers", workers) for workers in (0, 1, 3)] + [load(image_folder, "memory")]
    assert [type(bundle.train) for bundle in bundles] == [WorkerSplit] * 3 + [MemorySplit]
    passes = [everything(b.train, generator=stream(5, "x"), augment=Shift(flip=True), start_batch=1) for b in bundles]
    for images, labels in passes[1:]:
        assert torch.equal(images, passes[0][0])
        assert torch.equal(labels, passes[0][1])
    crops = [everything(b.train, generator=stream(5, "x"), augment=ResizedCrop(jitter=0.4)) for b in bundles[:3]]
    assert all(torch.equal(images, crops[0][0]) for images, _ in crops)
    for one in bundles[1:]:
        assert one.mean == bundles[0].mean
        assert one.std == bundles[0].std


def test_fetch_and_batches_work_on_another_device(bundle: DataBundle) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    on_device = everything(bundle.train, generator=stream(0, "x"), augment=Shift(flip=True), device="cuda")[0]
    assert torch.equal(on_device.cpu(), everything(bundle.train, generator=stream(0, "x"), augment=Shift(flip=True))[0])
    assert bundle.train.fetch(torch.tensor([0], device="cuda"))[0].is_cuda
