"""The page and the model card of a training, from the files of its folder alone."""

import json
import os
import re
import shlex
from dataclasses import replace

import pytest
import torch
import yaml

from wsrnas.data import DataConfig, load_data
from wsrnas.errors import InputError
from wsrnas.files import read_lines
from wsrnas.models.load import load_run
from wsrnas.models.network import SizeConfig
from wsrnas.parts import PartConfig
from wsrnas.runtime import RuntimeConfig
from wsrnas.spaces import get_space
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.folder import _read
from wsrnas.training.report.page import write_train_report
from wsrnas.training.report.record import next_commands, read_train_run
from wsrnas.training.train import train

CONFIG = TrainConfig(
    recipe="tiny",
    strengths="8/255,16/255",
    data=DataConfig(name="digits", valid_fraction=0.2, train_limit=64),
    network=SizeConfig(channels=4, layers=1),
    loss=PartConfig(name="pgd", settings={"eps": "8/255", "steps": 1}),
    selection=SelectionConfig(steps=1, images=60),
    runtime=RuntimeConfig(device="cpu"),
    epochs=2,
    batch_size=16,
)
GENOTYPE = get_space("nb201").sample(torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def data():
    return load_data(CONFIG.data, CONFIG.seed)


@pytest.fixture
def run(data, tmp_path):
    def start(**changes):
        return train(replace(CONFIG, **changes), GENOTYPE, tmp_path / "a run", data=data).path

    return start


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", "", page.read_text()).split())


def test_the_page_says_what_the_files_say(run):
    path = run()
    page = write_train_report(path)
    assert page == path / "report.html"
    text, result = text_of(page), json.loads((path / "result.json").read_text())
    assert f"{100 * result['held_out_accuracy']:.1f} %" in text
    assert f"{result['epoch']} of 2" in text
    assert f"{result['parameters']:,}" in text
    assert GENOTYPE.id in text
    assert "under PGD at 8/255" in text
    assert "chance 10 %" in text
    assert page.read_text().count("<svg") == 4
    for name, value in (("recipe", "tiny"), ("batch_size", "16"), ("loss.settings", "eps 8/255, steps 1")):
        assert f"{name} {value}" in text
    assert not re.search(r"(src|href)=\"(?!#|data:)", page.read_text())
    assert write_train_report(path).read_bytes() == page.read_bytes()


def test_the_curves_are_the_lines_of_the_log(run):
    record = read_train_run(run())
    lines = read_lines(record.path / "metrics.jsonl")
    assert record.column("held_out_accuracy") == ([1, 2], [line["held_out_accuracy"] for line in lines])
    assert record.column("train_loss") == ([1, 2], [line["train_loss"] for line in lines])
    assert record.column("nothing") == ([], [])


def test_the_model_card_can_be_read_by_a_hub_and_its_code_runs(run, data):
    path = run()
    write_train_report(path)
    card = (path / "README.md").read_text()
    _, front, text = card.split("---\n", 2)
    assert yaml.safe_load(front)["datasets"] == ["digits"]
    assert "# a run" in text
    assert "| clean | " in text
    assert "PGD, 1 steps, L∞ 8/255" in text
    assert "- loss: pgd (eps 8/255, steps 1)" in text
    if "```python" in text:
        images, _ = data.valid.fetch(torch.arange(4))
        found = {"images": images}
        exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], found)
        assert torch.equal(found["classes"], load_run(path)(images).argmax(1))


def test_the_next_commands_are_those_of_this_data_and_these_strengths(run):
    record = read_train_run(run())
    record.result.pop("learned_nothing", None)
    commands = [shlex.split(command) for command, _ in next_commands(record)]
    path = str(record.path)
    assert commands[0] == ["wsrnas", "evaluate", path, "--strengths", "0,8/255,16/255"]
    assert commands[1] == ["wsrnas", "check", path]
    assert commands[2] == ["wsrnas", "train", "--recipe", f"{path}/config.yaml", "--epochs", "4", "--out", path]
    assert commands[3][-2:] == ["--out", f"{path}-seed1"]
    record.config["strengths"] = None
    assert shlex.split(next_commands(record)[0][0])[-1] == "0,4/255,8/255,16/255"
    record.config["loss"]["name"] = "users.losses:Mine"
    assert shlex.split(next_commands(record)[2][0])[4:6] == ["--loss.name", "users.losses:Mine"]


def test_nothing_is_advised_on_a_network_that_has_learned_nothing(run):
    path = run(optimizer=replace(CONFIG.optimizer, lr=1e-9), epochs=1)
    text = text_of(write_train_report(path))
    assert "Take care This network has learned nothing" in text
    assert "After the only epoch so far, with noise of 8/255: no curve yet." in text
    assert "wsrnas evaluate" not in text
    assert "--epochs 2" in text
    card = (path / "README.md").read_text()
    assert "**This network has learned nothing" in card
    assert "```" not in card


def test_an_unfinished_training_has_a_page_and_no_card(run, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("wsrnas.training.single.TrainFolder.finish", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(epochs=3)
    text = text_of(write_train_report(tmp_path / "a run"))
    assert "This training is not finished: 3 of 3 epochs are done" in text
    assert "First let the training end" in text
    assert not (tmp_path / "a run" / "README.md").exists()


def test_an_ensemble_has_the_curves_of_every_member(run):
    path = run(loss=PartConfig(name="multi", settings={"steps": 1}), bands="0.02,0.05; 0.1")
    text = text_of(page := write_train_report(path))
    assert "2 × genotype" in text
    assert "Network 1 of 2: Accuracy after each epoch on held-out images, clean and under PGD at 0.05, and on" in text
    assert "Network 2 of 2: Accuracy after each epoch on held-out images, clean and under PGD at 0.1, and on" in text
    assert page.read_text().count("<svg") == 2 + 2 + 1
    assert "under PGD at 0.1" in text
    assert "2 × genotype" in (path / "README.md").read_text()


def test_a_training_on_clean_images_has_a_page_too(run):
    text = text_of(write_train_report(run(loss=PartConfig(name="standard"), strengths=None)))
    assert "held-out accuracy" in text
    assert "under PGD" not in text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.yaml", "[1, 2]", r"config.yaml: expected settings as a YAML mapping, got \[1, 2\]"),
        ("config.yaml", "", "config.yaml: expected settings as a YAML mapping, got None"),
        ("config.yaml", "a: [", "config.yaml: not YAML"),
        ("config.yaml", "a: !!python/object/apply:os.getcwd []", "config.yaml: not YAML"),
        ("config.yaml", b"\xff\xfe", "config.yaml: cannot be read as UTF-8"),
        ("config.yaml", "a: &a [" + 999 * "1, " + "1]\nb: [" + 200 * "*a, " + "*a]", "expected at most 100,000"),
        ("config.yaml", "trains: {kind: genotype, genotype: {space: nb201}}", "a run/config.yaml: expected a genotype"),
        ("config.yaml", "strengths: '9'", "did you mean 9/255"),
        ("config.yaml", "epochs: x", "hold what no training writes"),
        ("env.json", "{}}", "env.json: damaged"),
        ("env.json", '{"kind": "search"}', "RUN: expected a training, got .*, a search run"),
        ("result.json", "[1]", "result.json: expected a JSON object, got list"),
        ("result.json", '{"held_out_accuracy": "high"}', "hold what no training writes"),
        ("result.json", '{"strength": {}}', "hold what no training writes"),
        ("metrics.jsonl", "garbage\n", "metrics.jsonl: line 1: damaged"),
        ("metrics.jsonl", "[1]\n", "metrics.jsonl: line 1: expected a JSON object, got list"),
        ("metrics.jsonl", "", "expected a training with at least one epoch done"),
        ("timings.jsonl", '{"phase": 3, "seconds": "long"}\n', "hold what no training writes"),
        ("timings.jsonl", '{"phase": "x", "seconds": Infinity}\n', "hold what no training writes"),
        ("extended.json", '{"a": 1}', "extended.json: expected a list of mappings"),
    ],
)  # fmt: skip
def test_damaged_files_are_named(name, content, message, run):
    path = run(epochs=1)
    before = sorted(item.name for item in path.iterdir())
    (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        write_train_report(path)
    assert sorted({item.name for item in path.iterdir()} - {name}) == sorted({*before} - {name})


def test_text_that_is_no_unicode_is_shown_escaped_and_a_byte_order_mark_is_no_damage(run):
    path = run(epochs=1)
    config = yaml.safe_load((path / "config.yaml").read_text())
    config["data"]["root"] = "caf\udce9"
    (path / "config.yaml").write_bytes(b"\xef\xbb\xbf" + json.dumps(config).encode())
    (path / "timings.jsonl").write_text('{"phase": "\\udcff", "seconds": 100}\n')
    page = write_train_report(path).read_text(encoding="utf-8")
    assert "caf\\udce9" in page
    assert "\\udcff" in page


def test_a_folder_that_is_no_training_is_refused(tmp_path):
    with pytest.raises(InputError, match="RUN: expected the folder of a training, with config.yaml"):
        write_train_report(tmp_path / "nothing")


def test_a_pipe_in_the_place_of_a_checkpoint_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "best.pt")
    with pytest.raises(InputError, match=r"best\.pt: the checkpoint is damaged or missing"):
        _read(tmp_path / "best.pt")
