"""From a recipe and settings to a configuration: layers, parts, and what is refused."""

from __future__ import annotations

import pytest

from wsrnas import recipes
from wsrnas.configure import configured, flat, nested
from wsrnas.errors import InputError
from wsrnas.recipes.renamed import RENAMED, new_name
from wsrnas.search.config import SearchConfig
from wsrnas.training.config import TrainConfig


def search(recipe="digits", preset=None, **settings):
    return configured(SearchConfig, "search", recipe, settings, preset=preset)


def test_settings_win_over_the_recipe_and_the_recipe_over_the_preset():
    config = search("paper-basic", space={"channels": 5}, **{"spectrum.attacked": 2})
    assert (config.space.channels, config.space.layers) == (5, 8)
    assert len(config.spectrum.attacked_strengths()) == 2
    assert config.noise_estimator.fidelity_bound == 0.0, "of the preset"
    assert config.preset == "paper"


def test_a_part_by_name_starts_from_its_own_defaults():
    paper = search("digits", preset="paper")
    assert paper.strategy.settings["method"] == "gradient"
    assert search("digits", preset="paper", strategy="evolution").strategy.settings == {}
    kept = search("digits", preset="paper", strategy={"settings": {"step_size": 0.2}}).strategy
    assert (kept.name, kept.settings["step_size"], kept.settings["method"]) == ("wsr-nas", 0.2, "gradient")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spce": {"channels": 5}}, r"spce: expected a setting .*did you mean 'space'"),
        ({"space": {"chanels": 5}}, r"space\.chanels: .*did you mean 'channels'"),
        ({"space": 5}, r"space: expected a mapping of settings, got 5"),
        ({"seed": "x"}, r"seed: expected a whole number, got x"),
        ({"seed": True}, r"seed: expected a whole number, got True"),
        ({"training.learning_rate": "fast"}, r"training\.learning_rate: expected"),
        ({"strategy": "evolutoin"}, r"did you mean 'evolution'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(settings, message):
    with pytest.raises(InputError, match=message):
        search(**settings)


@pytest.mark.parametrize("recipe", recipes.names("train"))
def test_a_loss_of_a_recipe_has_no_settings_of_the_default_one(recipe):
    root = {"data.root": "photos"} if recipes.load("train", recipe)["data"]["name"] == "folder" else {}
    config = configured(TrainConfig, "train", recipe, root)
    assert config.loss.settings == recipes.load("train", recipe)["loss"].get("settings", {})
    assert config.losses()


def test_flat_and_nested_are_inverse_where_nothing_is_called_settings():
    values = {"a": 1, "b": {"c": 2, "d": {"e": 3}}}
    assert flat(values) == {"a": 1, "b.c": 2, "b.d.e": 3}
    assert nested(flat(values)) == values
    assert flat({"part": {"name": "x", "settings": {"y": 1}}}) == {"part.name": "x", "part.settings": {"y": 1}}


@pytest.mark.parametrize("name", recipes.names("search"))
@pytest.mark.parametrize("preset", sorted(recipes.PRESETS))
def test_every_recipe_makes_a_configuration_under_both_presets(name, preset):
    own = {"data.root": "photos"} if name == "photos" else {}
    config = configured(SearchConfig, "search", name, own, preset=preset)
    assert (config.recipe, config.preset) == (name, preset)


def test_a_renamed_setting_has_a_new_name_that_exists():
    known = set(SearchConfig.__dataclass_fields__)
    for new in RENAMED["search"].values():
        assert new.split(".")[0] in known
    assert new_name("search", "choose.explore") == "strategy.settings.exploration"
    assert new_name("search", "weights.batch_size") == "training.batch_size"
    assert new_name("search", "loss.images") == "measure.images"
    assert new_name("search", "noise.refine") == "noise_estimator.refine"
    assert new_name("search", "space.channels") is None


def test_a_group_given_in_part_keeps_what_its_owner_usually_has():
    from wsrnas.training.config import TrainConfig

    usual = TrainConfig().data.valid_fraction
    assert configured(TrainConfig, "train", "pgd-digits", {"data.test_limit": 9}).data.valid_fraction == usual == 0.1
    assert search("digits", strategy={"settings": {"exploration": 0.3}}).strategy.name == "wsr-nas"
