"""The front of robust against small: no dominated point, no missing one, and files that a training takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.search.made_run import make_run

from wsrnas.errors import InputError
from wsrnas.models.named import read_arch
from wsrnas.rng import stream
from wsrnas.search.pareto import FOLDER, read_front, read_points, undominated, write_front
from wsrnas.search.report.page import write_search_report
from wsrnas.spaces import get_space

SPACE = get_space("nb201")
POINTS = st.lists(st.tuples(st.integers(0, 8).map(float), st.integers(0, 8).map(float)), max_size=30)


def beats(one, other):
    return one[0] <= other[0] and one[1] <= other[1] and one != other


@given(POINTS)
def test_no_point_of_the_front_is_beaten_and_every_other_is_or_is_there_twice(points):
    front = undominated(points)
    kept = [points[place] for place in front]
    assert len(set(kept)) == len(kept)
    assert not any(beats(other, one) for one in kept for other in points)
    assert all(one in kept or any(beats(other, one) for other in kept) for one in points)
    assert kept == sorted(kept, key=lambda one: one[1])


@given(POINTS, st.permutations(range(30)))
def test_the_order_of_measuring_does_not_change_the_front(points, order):
    mixed = [points[place] for place in order if place < len(points)]
    assert [points[place] for place in undominated(points)] == [mixed[place] for place in undominated(mixed)]


def labelled(count=12):
    genotypes = [SPACE.sample(stream(index, "front")) for index in range(count)]
    return {SPACE.choice(one): (one, float((7 * place) % 5)) for place, one in enumerate(genotypes)}


def size(genotype):
    return float(SPACE.encode(genotype)[:, 2:4].sum())


@pytest.fixture
def run(tmp_path):
    path = make_run(tmp_path / "run")
    write_front(path, "params", labelled(), size)
    return path


def test_every_point_of_the_front_is_a_genotype_that_train_takes(run):
    front = read_front(run, "params")
    pairs = {one.id: (score, size(one)) for one, score in labelled().values()}
    assert front
    for point in front:
        assert read_arch(str(point.path)) == point.genotype
        assert (point.score, point.size) == pairs[point.genotype.id]
        assert not any(beats(other, (point.score, point.size)) for other in pairs.values())
    others = set(pairs) - {point.genotype.id for point in front}
    assert others
    assert not any((run / FOLDER / f"{one}.json").exists() for one in others)


def test_the_report_draws_it_and_names_the_files(run):
    html = write_search_report(run).read_text()
    assert "Robust against small" in html
    for point in read_front(run, "params"):
        assert f"pareto/{point.genotype.id}.json" in html
    assert f"{len(labelled())} architectures, {len(read_front(run, 'params'))} on the front by parameters" in html


def test_a_front_without_labels_says_so_and_one_that_nobody_drew_is_refused(tmp_path):
    path = make_run(tmp_path / "run")
    assert read_points(path, "params") is None
    assert "Robust against small" not in write_search_report(path).read_text()
    write_front(path, "params", {}, size)
    assert "so there is no front" in write_search_report(path).read_text()
    with pytest.raises(
        InputError, match=r"by: expected a size by which .*run has a front, got latency; start the same"
    ):
        read_front(path, "latency")
    with pytest.raises(InputError, match=r"by: expected params or latency, got weight"):
        read_front(path, "weight")


@pytest.mark.parametrize(
    "content",
    [[], {"points": 3}, {"points": [{"id": "x"}]}, {"points": [{"id": 1, "score": 1, "size": 1, "front": True}]}],
)
def test_a_damaged_file_is_named(content, run):
    (run / FOLDER / "params.json").write_text(json.dumps(content or "no"))
    with pytest.raises(InputError, match=r"params\.json"):
        write_search_report(run)


def test_a_name_that_leads_out_of_the_folder_is_refused(run):
    path = run / FOLDER / "params.json"
    drawn = json.loads(path.read_text())
    drawn["points"][0] |= {"id": "../../elsewhere", "front": True}
    path.write_text(json.dumps(drawn))
    with pytest.raises(InputError, match="names of places inside the folder, got '../../elsewhere.json'"):
        read_front(run, "params")
