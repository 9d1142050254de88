import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.networks.cells.operations import OPERATIONS
from wsrnas.spaces import Cell, CellGenotype, Genotype, get_space, read_genotype
from wsrnas.spaces.nasbench201 import CELL_OPERATIONS

DARTS = (
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=range(2, 4), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
    "('max_pool_3x3', 1)], reduce_concat=[2, 3])"
)


@st.composite
def cells(draw):
    nodes = draw(st.integers(1, 5))
    names = st.sampled_from(sorted(OPERATIONS))
    edges = tuple(
        (draw(names), draw(st.integers(0, target - 1)), target) for target in range(2, 2 + nodes) for _ in range(2)
    )
    concat = draw(st.lists(st.integers(2, 1 + nodes), min_size=1, unique=True))
    return edges, tuple(concat)


def darts_text(genotype, *, as_range=False):
    parts = []
    for name, cell in genotype.cells:
        parts.append(f"{name}={[(operation, source) for operation, source, _ in cell.edges]}")
        consecutive = as_range and list(cell.concat) == list(range(cell.concat[0], cell.concat[-1] + 1))
        shown = f"range({cell.concat[0]}, {cell.concat[-1] + 1})" if consecutive else list(cell.concat)
        parts.append(f"{name}_concat={shown}")
    return f"Genotype({', '.join(parts)})"


@settings(deadline=None, max_examples=20)
@given(cells(), cells())
def test_json_and_published_text_are_read_back(normal, reduce):
    genotype = CellGenotype("darts", (("normal", Cell(*normal)), ("reduce", Cell(*reduce))))
    assert Genotype.from_json(genotype.to_json()) == genotype
    assert read_genotype(genotype.to_json()) == genotype
    assert read_genotype(darts_text(genotype)) == genotype
    assert read_genotype("\n NAME = " + darts_text(genotype, as_range=True) + "\n") == genotype


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(CELL_OPERATIONS), min_size=6, max_size=6))
def test_nasbench201_strings_are_read_back(names):
    space = get_space("nb201")
    genotype = space.at(tuple(CELL_OPERATIONS.index(name) for name in names))
    assert read_genotype(space.text(genotype)) == genotype == read_genotype(genotype.to_json())


@settings(deadline=None, max_examples=50)
@given(st.one_of(st.text(max_size=60), st.text("Genotype(nrmalduce_cot=[]|~+0123'{}:\", \n", max_size=60)))
def test_any_other_text_is_refused_and_nothing_else_is_raised(text):
    for prefix in ("", "{", "|", "Genotype("):
        with pytest.raises(InputError):
            read_genotype(prefix + text)


def test_the_published_text_of_darts():
    genotype = read_genotype(DARTS)
    assert genotype["normal"].edges[2:] == (("skip_connect", 0, 3), ("dil_conv_3x3", 2, 3))
    assert genotype["normal"].concat == genotype["reduce"].concat == (2, 3)


def test_fields_by_position_and_files_are_read(tmp_path):
    short = re.sub(r"(normal|reduce)(_concat)?=", "", DARTS)
    assert read_genotype(short) == read_genotype(DARTS)
    for name, text in (("a.txt", DARTS), ("b.json", zoo.genotype("amoebanet").to_json())):
        (tmp_path / name).write_text(text)
        assert read_genotype(tmp_path / name) == read_genotype(str(tmp_path / name)) == read_genotype(text)


def nb201_json(edges):
    return json.dumps({"schema": 1, "space": "nb201", "cells": {"cell": {"edges": edges, "concat": [3]}}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            DARTS.replace("dil_conv_3x3", "dil_conv3x3"),
            "^genotype, normal: expected known operations, got operation "
            "'dil_conv3x3'; did you mean 'dil_conv_3x3'\\?$",
        ),
        (DARTS.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 3)"), "expected edges from earlier to later nodes"),
        (
            DARTS.replace(", ('dil_conv_3x3', 2)", ""),
            "^genotype, normal: expected an even number of entries, two per node",
        ),
        (
            DARTS.replace("('dil_conv_3x3', 2)", "open('x')"),
            "^genotype, normal: expected a list of .'operation', node. pairs",
        ),
        (
            DARTS.replace("range(2, 4)", "range(2, 10**9)"),
            "^genotype, normal_concat: expected a list of nodes or range",
        ),
        (DARTS.replace("range(2, 4)", "list(range(4))"), "^genotype, normal_concat: expected a list of nodes or range"),
        (DARTS.replace("range(2, 4)", "range(2, 9)"), "expected joined nodes with at least one edge each, got node 4"),
        (DARTS.replace("reduce=", "reduced="), "^genotype: expected Genotype.normal=.*, got Genotype with normal"),
        (DARTS + "; import os", "^genotype: expected one Genotype.normal=.*, got 2 statements$"),
        (DARTS[:-1], "^genotype: expected text such as Genotype.normal=.*, got text that does not parse$"),
        ("|nor_conv_3x3~0|+|none~0|none~1|", r"^genotype: expected text such as \|nor_conv_3x3~0\|.*, got '\|nor_conv"),
        (
            "|nor_conv3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "got operation 'nor_conv3x3'; did you mean 'nor_conv_3x3'",
        ),
        ("{}", "^genotype: expected a genotype with 'space' and 'cells' or 'stages', got other JSON$"),
        ("{", "^genotype: not a genotype file"),
        (
            "hello.json",
            "^genotype: expected a genotype or a file that holds one, got 'hello.json', which cannot be read$",
        ),
        ("Genotype(" + "(" * 200_000, "^genotype: expected at most 100000 characters, got 200009$"),
        (nb201_json([["nor_conv", 0, 1]]), "^genotype, cell cell: expected known operations, got operation 'nor_conv'"),
    ],
)
def test_malformed_text_is_refused_in_one_clear_sentence(text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_genotype(text)
    assert "\n" not in str(caught.value)


def test_text_is_never_run():
    with pytest.raises(InputError):
        read_genotype("Genotype(normal=[__import__('os').abort()], normal_concat=[], reduce=[], reduce_concat=[])")
