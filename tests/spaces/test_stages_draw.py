from itertools import pairwise
from xml.etree import ElementTree

import pytest

from wsrnas.rng import stream
from wsrnas.spaces import StageSpace
from wsrnas.spaces.stages.draw import COLOURS, draw_stages

SVG = "{http://www.w3.org/2000/svg}"
SPACE = StageSpace()
GENOTYPES = [*SPACE.known.values(), *(SPACE.sample(stream(seed, "draw")) for seed in range(6))]


def boxes(root, fills):
    found = [element for element in root.iter(f"{SVG}rect") if element.get("fill") in fills]
    return [{key: float(element.get(key)) for key in ("x", "y", "width", "height")} for element in found]


@pytest.mark.parametrize("genotype", GENOTYPES, ids=lambda genotype: genotype.id)
def test_there_is_a_bar_per_block_inside_its_card_and_cards_do_not_overlap(genotype):
    root = ElementTree.fromstring(draw_stages(genotype))
    cards = boxes(root, {"#f8fafc"})
    assert len(cards) == 1 + len(genotype.stages)
    for one, other in pairwise(cards):
        assert one["x"] + one["width"] < other["x"]
    kinds = {stage.block for stage in genotype.stages}
    legend = len(kinds)
    bars = boxes(root, {COLOURS[kind][0] for kind in kinds})
    assert len(bars) == sum(stage.depth for stage in genotype.stages) + legend
    place, halvings = 0, int(genotype.stem == "patchify")
    for card, stage in zip(cards[1:], genotype.stages):
        halvings += stage.stride == 2
        own = bars[place : place + stage.depth]
        assert len({bar["height"] for bar in own}) == 1
        assert own[0]["height"] == pytest.approx(max(104 / 2**halvings, 7), abs=0.06)
        assert card["x"] < own[0]["x"]
        assert own[-1]["x"] + own[-1]["width"] < card["x"] + card["width"]
        place += stage.depth


@pytest.mark.parametrize("genotype", GENOTYPES, ids=lambda genotype: genotype.id)
def test_every_decision_can_be_read(genotype):
    root = ElementTree.fromstring(draw_stages(genotype))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert genotype.stem in texts
    assert texts[0].lower().startswith(f"{genotype.activation} · {genotype.normalisation} ")
    assert texts[0].endswith({"pre": "before the convolutions", "post": "after the convolutions"}[genotype.order])
    for stage in genotype.stages:
        assert f"{stage.depth} × {stage.block} {stage.kernel}×{stage.kernel}" in texts
        assert f"width ×{stage.width}" in texts
    assert texts.count("squeeze and excite") == sum(stage.squeeze for stage in genotype.stages)
    halved = sum(text.startswith("stage ") and text.endswith(" · half size") for text in texts)
    assert halved == sum(stage.stride == 2 for stage in genotype.stages)


@pytest.mark.parametrize("genotype", GENOTYPES, ids=lambda genotype: genotype.id)
def test_no_text_leaves_its_card_or_the_drawing(genotype):
    root = ElementTree.fromstring(draw_stages(genotype))
    cards, width = boxes(root, {"#f8fafc"}), float(root.get("width"))
    for element in root.iter(f"{SVG}text"):
        half = 3.3 * len(element.text) * float(element.get("font-size")) / 12.5
        middle = float(element.get("x")) + (0 if element.get("text-anchor") == "middle" else half)
        assert 0 <= middle - half <= middle + half <= width
        for card in cards:
            inside = card["x"] < float(element.get("x")) < card["x"] + card["width"]
            if inside and card["y"] < float(element.get("y")) < card["y"] + card["height"]:
                assert card["x"] <= middle - half <= middle + half <= card["x"] + card["width"]


def test_the_drawing_is_the_same_every_time_and_stands_alone():
    drawing = draw_stages(GENOTYPES[0])
    assert drawing == draw_stages(GENOTYPES[0])
    for foreign in ("<style", "<script", "href", " id=", "class="):
        assert foreign not in drawing
