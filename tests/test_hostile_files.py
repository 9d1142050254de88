"""Valid files of a finished run, changed at random: every reader reads them or refuses them in one sentence."""

import copy
import json
import random
from dataclasses import asdict

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tests.search.made_run import make_run

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.evaluation.comparison.comparable import read_measured
from wsrnas.evaluation.folder.store import Store
from wsrnas.evaluation.images import _run_data
from wsrnas.evaluation.record import Record
from wsrnas.evaluation.result import Evaluation
from wsrnas.models import load
from wsrnas.models.network import GenotypeNetwork, NetworkConfig, write_network
from wsrnas.search.report.record import read_search_run
from wsrnas.search.result import SearchResult
from wsrnas.spaces.read import read_genotype

ODD = [None, True, -1, 0, 2**70, 10**9, 1e308, float("nan"), float("inf"), "", "../../x", "\udcff", [], {}, [[]], [1e9],
       {"": 0}, "8/255", [None], {"name": [1]}]  # fmt: skip
BYTES = [b"", b"\xff\xfe", b"\x00", b"\xef\xbb\xbf", b"[" * 3000, b"{", b"}", b"!!python/object/apply:os.system [x]",
         b"&a [*a]", b"\n", b"garbage\n", b"NaN", b"9" * 5000]  # fmt: skip
IDENTITY = {"model": "m"}


def evaluation(folder):
    result = Evaluation(
        protocol="strict", norm="Linf", seed=0, strengths=[0.0, 0.1], accuracy=[1.0, 0.5], ci_low=[0.3, 0.1],
        ci_high=[1.0, 0.9], raw_accuracy=[1.0, 0.5], accuracy_eight_bit=[1.0, 0.5],
        survives=torch.tensor([[True, True], [True, False]]), clean_correct=torch.tensor([True, True]),
        per_attack={"PGD": [1.0, 0.5]}, attacks={"PGD": "PGD(…)"}, classes=10, majority=0.1, verified={},
        settings={"images": "a", "labels": "b"},
    )  # fmt: skip
    result.save(folder)
    about = {
        "name": "a",
        "data": {"name": "digits", "classes": ["0", "1"], "shape": [1, 8, 8], "notes": []},
        "note": "",
    }
    (folder / "eval" / "about.json").write_text(json.dumps(about))
    store = Store(folder, "strict", IDENTITY)
    store.write(Record(attack="PGD", strength=0.1, indices=[0, 1], broken=[True, False], broken_eight_bit=[True, False],
                       distance=[0.1, 0.0]))  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = make_run(tmp_path_factory.mktemp("hostile") / "run")
    genotype = zoo.genotype("racl")
    (path / "genotype.json").write_text(genotype.to_json())
    config = NetworkConfig(channels=2, layers=3, num_classes=10, image_shape=(1, 8, 8))
    network = GenotypeNetwork(genotype=genotype, config=config)
    write_network(path, network, [str(digit) for digit in range(10)])
    save_file(network.build().state_dict(), path / "model.safetensors")
    evaluation(path)
    return path


READERS = {
    "config.yaml": [read_search_run, lambda path: _run_data(str(path), named=False)],
    "env.json": [read_search_run],
    "metrics.jsonl": [lambda path: every_property(read_search_run(path))],
    "timings.jsonl": [read_search_run],
    "result.json": [lambda path: every_property(read_search_run(path)), SearchResult.read],
    "comparison.json": [read_search_run],
    "genotype.json": [lambda path: read_genotype(path / "genotype.json")],
    "network.json": [load],
    "model.safetensors": [load],
    "eval/strict.json": [lambda path: said(read_measured("a", path))],
    "eval/about.json": [lambda path: said(read_measured("a", path))],
    "eval/strict/settings.json": [lambda path: Store(path, "strict", IDENTITY)],
    "eval/strict/PGD@0.1.json": [lambda path: Store(path, "strict", IDENTITY).read("PGD", 0.1, [0, 1])],
}


def every_property(record):
    return record.strengths, record.loss_names, record.phase_marks, record.means("fidelity"), record.taus, record.method


def said(measured):
    result = measured.main
    return str(result), result.curve(), result.minimal_strength, result.to_dict(), measured.classes, measured.data_name


def changed(value, draw):
    """Return JSON with one value, somewhere, replaced, removed or added."""
    places = []

    def walk(inner):
        for key in list(inner) if isinstance(inner, dict) else range(len(inner)):
            places.append((inner, key))
            if isinstance(inner[key], (dict, list)):
                walk(inner[key])

    value = copy.deepcopy(value)
    walk(value)
    inner, key = draw.choice(places)
    if draw.random() < 0.25:
        del inner[key]
    else:
        inner[key] = draw.choice(ODD)
    return value


def mutated(name, content, draw):
    if name.endswith(".safetensors") or draw.random() < 0.3:
        place = draw.randrange(len(content) if draw.random() < 0.5 else min(len(content), 200))
        return content[:place] + draw.choice(BYTES) + content[place + draw.choice([0, 1, 30]) :]
    if name.endswith(".yaml"):
        return yaml.safe_dump(changed(yaml.safe_load(content), draw)).encode()
    if name.endswith(".jsonl"):
        lines = [json.loads(line) for line in content.splitlines()]
        place = draw.randrange(len(lines))
        lines[place] = changed(lines[place], draw)
        return "".join(json.dumps(line) + "\n" for line in lines).encode()
    return json.dumps(changed(json.loads(content), draw)).encode()


@pytest.mark.parametrize("name", READERS)
@settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32))
def test_a_changed_file_is_read_or_refused_and_left_alone(name, seed, run):
    path = run / name
    content = path.read_bytes()
    try:
        path.write_bytes(mutated(name, content, random.Random(seed)))
        refused: list[str] = []
        before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
        for read in READERS[name]:
            try:
                read(run)
            except InputError as error:
                refused.append(str(error))
        assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
        assert not [message for message in refused if "\n" in message]
    finally:
        path.write_bytes(content)


def test_the_files_as_they_are_are_read(run):
    for name, readers in READERS.items():
        if name != "result.json":
            for read in readers:
                read(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 10**9}, r"network.json: channels: expected 1 to 65,536, got 1000000000; restore the file"),
        ({"channels": 60_000}, r"network.json: expected the network of .*model.safetensors .* got [\d,]+ parameters"),
        ({"layers": 10**6}, "layers: expected 1 to 1,000, got 1000000"),
        ({"layers": "3"}, "layers: expected a whole number, got '3'"),
        ({"image_shape": [1, 8]}, "image_shape: expected a list"),
        ({"num_classes": None}, "num_classes: expected a whole number, got None"),
        ({"std": [0.0]}, "std: expected a finite number for each of 1 channels, above 0"),
        ({"colour": 1}, "expected settings among .*, got colour"),
    ],
)
def test_a_network_of_impossible_size_is_refused_before_memory_is_taken(changes, message, run):
    path = run / "network.json"
    content = path.read_text()
    described = json.loads(content)
    described["config"] |= changes
    try:
        path.write_text(json.dumps(described))
        with pytest.raises(InputError, match=message):
            load(run)
    finally:
        path.write_text(content)


def test_a_record_with_too_few_entries_is_refused(run):
    path = run / "eval" / "strict" / "PGD@0.1.json"
    record = Store(run, "strict", IDENTITY).read("PGD", 0.1, [0, 1])
    content = path.read_text()
    try:
        path.write_text(json.dumps({**asdict(record), "broken_eight_bit": [True]}))
        with pytest.raises(InputError, match=r"PGD@0.1.json: the record is damaged .*; delete it and run again"):
            Store(run, "strict", IDENTITY).read("PGD", 0.1, [0, 1])
    finally:
        path.write_text(content)
