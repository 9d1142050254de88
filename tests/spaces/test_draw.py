from itertools import combinations
from xml.etree import ElementTree

import pytest

from wsrnas import zoo
from wsrnas.networks.cells.operations import OPERATIONS
from wsrnas.rng import stream
from wsrnas.spaces import Cell, CellGenotype, get_space
from wsrnas.spaces.draw import COLOURS, draw_genotype, label
from wsrnas.spaces.layout import WIDTH, column_left, place

SVG = "{http://www.w3.org/2000/svg}"
DARTS, NASBENCH201 = get_space("darts"), get_space("nb201")
GENOTYPES = [
    *(zoo.genotype(name) for name in ("darts", "amoebanet", "nas-net", "wsrnet-basic")),
    *(DARTS.sample(stream(seed, "draw")) for seed in range(12)),
    *(NASBENCH201.sample(stream(seed, "draw")) for seed in range(6)),
]


@pytest.mark.parametrize("genotype", GENOTYPES, ids=lambda g: g.id)
def test_every_edge_shows_its_operation_and_texts_do_not_overlap(genotype):
    root = ElementTree.fromstring(draw_genotype(genotype))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    edges = [edge for _, cell in genotype.cells for edge in cell.edges]
    for name in {edge[0] for edge in edges}:
        in_legend = 1
        assert texts.count(label(name)) == sum(edge[0] == name for edge in edges) + in_legend
    for group in root.iter(f"{SVG}g"):
        boxes = []
        for text in group.iter(f"{SVG}text"):
            half = 3.6 * len(text.text)
            middle = float(text.get("x")) + (0 if text.get("text-anchor") == "middle" else half)
            boxes.append((middle - half, middle + half, float(text.get("y"))))
        for one, other in combinations(boxes, 2):
            assert abs(one[2] - other[2]) >= 12 or one[1] <= other[0] or other[1] <= one[0]


def links_of(cell, inputs):
    output = 1 + max(edge[2] for edge in cell.edges)
    return [edge[1:] for edge in cell.edges] + [(node, output) for node in cell.concat], range(inputs), output


@pytest.mark.parametrize("genotype", GENOTYPES, ids=lambda g: g.id)
def test_nodes_do_not_overlap_and_wires_pass_between_them(genotype):
    for _, cell in genotype.cells:
        links, inputs, output = links_of(cell, 1 if genotype.space == "nb201" else 2)
        layout = place(links, inputs, output)
        spans = {node: (box.middle - box.height / 2, box.middle + box.height / 2) for node, box in layout.boxes.items()}
        assert all(top >= -1e-9 and bottom <= layout.height + 1e-9 for top, bottom in spans.values())
        for one, other in combinations(spans, 2):
            if layout.columns[one] == layout.columns[other]:
                assert spans[one][1] < spans[other][0] or spans[other][1] < spans[one][0]
        for (_, column), height in layout.lanes.items():
            for node, (top, bottom) in spans.items():
                assert layout.columns[node] != column or not top - 5 < height < bottom + 5
        for source, target in links:
            corners = layout.route(source, target, layout.boxes[target].middle)
            assert [x for x, _ in corners] == sorted(x for x, _ in corners)
            assert len(corners) == 2 * (layout.columns[target] - layout.columns[source])
            assert corners[-1][0] == column_left(layout.columns[target])
    assert WIDTH > 0


def test_the_drawing_is_the_same_every_time_and_stands_alone():
    drawing = draw_genotype(GENOTYPES[0])
    assert drawing == draw_genotype(GENOTYPES[0])
    for foreign in ("<style", "<script", "href", " id=", "class="):
        assert foreign not in drawing


def test_every_operation_has_a_colour():
    assert set(COLOURS) == set(OPERATIONS)


def test_a_single_joined_node_is_the_output_and_parallel_edges_are_both_drawn():
    cell = Cell((("skip_connect", 0, 2), ("sep_conv_3x3", 0, 2)), (2,))
    drawing = draw_genotype(CellGenotype("darts", (("normal", cell), ("reduce", cell))))
    assert drawing.count(">output<") == 2
    assert "joined" not in drawing
