"""A function somewhere else: asked by queries alone, every one of them counted."""

import pytest
import torch

import wsrnas
from wsrnas.errors import InputError


class Service:
    """Scores digits by the brightness of their halves; counts what it is asked about itself."""

    def __init__(self):
        self.asked = 0

    def __call__(self, images):
        self.asked += len(images)
        assert not images.requires_grad
        halves = torch.stack([images[:, :, :4].mean((1, 2, 3)), images[:, :, 4:].mean((1, 2, 3))], 1)
        return torch.cat([halves, halves.new_zeros(len(images), 8)], 1).detach()


def settings(tmp_path):
    return {"data": {"name": "digits"}, "strengths": "0,0.1", "limit": 20, "out": str(tmp_path), "progress": False}


def test_every_query_is_counted(tmp_path):
    service = Service()

    def remote(images):
        return service(images)

    found = wsrnas.evaluate(remote, attacks="square:queries=10", **settings(tmp_path))["strict"]
    assert found.queries == service.asked
    assert found.queries > 20 * 10 * found.clean_accuracy
    assert f"queries: {service.asked:,} images asked about" in str(found)


def test_the_suite_of_a_function_asks_for_scores_and_for_decisions(tmp_path):
    found = wsrnas.evaluate(Service(), **{**settings(tmp_path), "limit": 10, "strengths": "0,0.3"})["strict"]
    assert list(found.attacks) == ["Square-2000", "RayS-500"]
    assert found.queries is not None


def test_a_function_that_hides_its_scores_is_broken_by_its_decisions(tmp_path):
    service = Service()

    def decisions(images):
        return torch.nn.functional.one_hot(service(images).argmax(1), 10).float()

    asked = {**settings(tmp_path), "limit": None, "strengths": "0,0.15"}
    found = wsrnas.evaluate(decisions, attacks="square:queries=30,rays:flips=60", **asked)["strict"]
    assert found.clean_accuracy > 0
    assert found.per_attack["RayS-60"][1] < found.per_attack["Square-30"][1]
    assert found.accuracy[1] < found.clean_accuracy


def test_a_function_says_no_data_and_is_asked_for_it(tmp_path):
    with pytest.raises(InputError, match="data: expected a data set for a function, got none"):
        wsrnas.evaluate(Service(), strengths="0,0.1", out=str(tmp_path))


def test_a_module_is_differentiated_and_not_counted(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    found = wsrnas.evaluate(model, suite="fast", **settings(tmp_path))["strict"]
    assert found.queries is None
    assert list(found.attacks) == ["PGD-20"]
