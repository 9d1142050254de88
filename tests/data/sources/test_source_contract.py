"""The contract of every source of images, found by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.contracts import concrete

from wsrnas.data import DataConfig
from wsrnas.data.load import open_sources
from wsrnas.data.sources.base import Source
from wsrnas.data.sources.digits import DigitsSource, digits
from wsrnas.data.sources.folder import FolderSource
from wsrnas.data.sources.table import TableSource

Make = Callable[[Path, Path], Source]
MAKE: dict[type[Source], Make] = {
    DigitsSource: lambda images, tables: digits().train,
    FolderSource: lambda images, tables: open_sources(DataConfig(name="folder", root=str(images))).train,
    TableSource: lambda images, tables: open_sources(DataConfig(name="parquet", root=str(tables))).train,
}


@pytest.fixture(params=concrete(Source), ids=lambda kind: kind.__name__)
def source(request: pytest.FixtureRequest, image_folder: Path, parquet_folder: Path) -> Source:
    found = MAKE[request.param](image_folder, parquet_folder)
    assert type(found) is request.param
    return found


def rows(source: Source) -> range:
    return range(min(len(source), 27))


def test_labels_are_positions_among_the_classes_and_every_class_occurs(source: Source) -> None:
    assert source.labels.dtype == torch.int64
    assert source.labels.shape == (len(source),)
    assert source.labels.unique().tolist() == list(range(len(source.classes.names)))
    assert len(set(source.classes.names)) == len(source.classes.names) >= 2
    assert all(isinstance(name, str) and name for name in source.classes.names)


def test_an_image_is_opened_the_same_every_time_and_in_any_order(source: Source) -> None:
    first = [source.open(row).tobytes() for row in rows(source)]
    assert [source.open(row).tobytes() for row in reversed(rows(source))] == first[::-1]
    assert all(isinstance(source.open(row), Image.Image) for row in rows(source)[:3])
    assert len(set(first)) == len(first)


def test_every_image_has_a_name_and_a_token_of_its_own(source: Source) -> None:
    for ask in (source.describe, source.token):
        told = [ask(row) for row in rows(source)]
        assert len(set(told)) == len(told)
        assert told == [ask(row) for row in rows(source)]


def test_what_is_opened_belongs_to_whoever_opened_it(source: Source) -> None:
    opened = source.open(0)
    before = opened.tobytes()
    opened.paste(opened.getextrema()[0] if opened.mode == "L" else 0, (0, 0, *opened.size))
    assert source.open(0).tobytes() == before


def test_what_is_stored_has_the_size_that_is_told(source: Source) -> None:
    stored = [source.stored(row) for row in rows(source)]
    assert [len(content) for content in stored] == [source.size(row) for row in rows(source)]
    assert len(set(stored)) == len(stored)
    assert source.title.isprintable()
    assert source.title in source.describe(0)
