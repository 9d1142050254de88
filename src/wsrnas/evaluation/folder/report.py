"""The files of an evaluated folder: summary, tables, curve, card, example images and one HTML page."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, TypedDict

from wsrnas.errors import refuse
from wsrnas.evaluation.folder.about import read_about
from wsrnas.evaluation.folder.robustbench import model_card
from wsrnas.evaluation.folder.store import read_examples
from wsrnas.evaluation.folder.summary import differences, read_evaluations, write_summary
from wsrnas.evaluation.protocols import PROTOCOLS, Released, Strict
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.statistics import AREA_WEIGHTING
from wsrnas.evaluation.tables import attack_columns, curve_rows, nearest_columns, protocol_figure
from wsrnas.evaluation.text import percent, to_csv, to_markdown
from wsrnas.files import inside, read_object, write_atomic
from wsrnas.report.figures import image_grid, noise_panel
from wsrnas.report.page import Page
from wsrnas.typed import check_fields
from wsrnas.types import format_strength

_INTRO = (
    "Share of test images still classified correctly after every attack, at each noise strength. A strength is the "
    "largest change allowed for any pixel (Linf) or the length of the whole change (L2), for pixels in [0,1]."
)


def write_report(
    folder: str | Path, *, name: str | None = None, data: dict[str, Any] | None = None, note: str = ""
) -> Path:
    """Write everything that can be made of the `eval/*.json` of a folder; returns the path of the HTML page.

    Files, all in `eval/`: summary.json, table.csv, table.md, curve.svg, card.json, examples.png, report.html.

    Args:
        folder: what `evaluate(out=…)` wrote to.
        name: of the model; default: what an earlier report said, else the folder's name. Likewise `data` and `note`.

    Raises:
        InputError: the folder holds no finished evaluation.
    """
    folder = Path(folder)
    found = read_evaluations(folder)
    about = _about(folder, name, data, note)
    write_summary(folder)
    headers, rows = curve_rows(found)
    figure = protocol_figure(found)
    place = folder / "eval"
    first = next(iter(found.values()))
    dataset = str(about["data"].get("name", "unnamed data"))
    write_atomic(place / "table.csv", to_csv(headers, rows))
    write_atomic(place / "table.md", to_markdown(headers, rows))
    write_atomic(place / "curve.svg", figure)
    write_atomic(
        place / "card.json", json.dumps(model_card(first, name=about["name"], dataset=dataset), indent=1) + "\n"
    )
    pictures = example_images(folder, first)
    if pictures is not None:
        write_atomic(place / "examples.png", base64.b64decode(pictures.split(",", 1)[1]))
    page = _page(found, about, figure, pictures)
    _checks(page, place / "checks.json")
    return page.write(place / "report.html")


def example_images(folder: Path, result: Evaluation) -> str | None:
    """Return kept images as a PNG data URI: clean, then per strength the adversarial image and its noise, magnified."""
    kept = read_examples(inside(folder / "eval", result.settings.get("place", result.protocol)))
    strengths = [s for s in result.strengths if s in kept]
    if not strengths:
        return None
    most = max(len(kept[s]["indices"]) for s in strengths)
    full = [s for s in strengths if len(kept[s]["indices"]) == most]
    chosen = full if len(full) <= 3 else [full[0], full[len(full) // 2], full[-1]]
    pieces = []
    for strength in chosen:
        clean, moved = kept[strength]["clean"], kept[strength]["adversarial"]
        noise = moved - clean
        size = strength if result.norm == "Linf" else max(float(noise.abs().max()), 1e-12)
        pieces.append((result.spelling[strength], clean, moved, noise_panel(noise, size)))
    rows = []
    for text, clean, moved, noise in pieces:
        rows += [(f"clean\n({text})", clean), ("attacked", moved), ("noise", noise)]
    if pieces[0][1].shape[1] not in (1, 3):
        return None
    return image_grid(rows, [""] * most)


def _about(folder: Path, name: str | None, data: dict[str, Any] | None, note: str) -> dict[str, Any]:
    path = folder / "eval" / "about.json"
    known = read_about(folder)
    about = {
        "name": name or known["name"],
        "data": data if data is not None else known["data"],
        "note": note or known["note"],
    }
    write_atomic(path, json.dumps(about, indent=1) + "\n")
    return about


def _page(
    found: dict[str, Evaluation],
    about: dict[str, Any],
    figure: str,
    pictures: str | None,
) -> Page:
    first = next(iter(found.values()))
    r50 = "none measured" if first.r50 is None else format_strength(first.r50)
    page = Page(
        f"Robustness of {about['name']}", f"{first.images} test images of {about['data'].get('name', 'the data')}"
    )
    page.facts(
        {
            "clean accuracy": f"{percent(first.clean_accuracy)} %",
            f"at {first.text(-1)} ({first.protocol})": f"{percent(first.accuracy[-1])} %",
            "median minimal strength": r50,
            "area under the curve": f"{percent(first.area)} %",
        }
    )
    for warning in [about["note"], *dict.fromkeys(doubt for one in found.values() for doubt in one.doubts)]:
        if warning:
            page.callout("warning", warning)
    explained = [PROTOCOLS[protocol].explanation for protocol in found]
    page.section("Robustness curve", "\n\n".join([_INTRO, *explained]))
    page.figure(figure, "Bands are 95 % Wilson intervals; the dotted line is the accuracy of guessing.")
    if {Strict.name, Released.name} <= set(found):
        apart = sorted(differences(found[Strict.name], found[Released.name]), key=lambda one: one["difference"])
        ends = [f"{100 * one['difference']:+.1f} points at {first.spelling[one['strength']]}" for one in apart]
        page.callout("note", f"Released minus strict: from {ends[0]} to {ends[-1]}. That gap is not robustness.")
    if not PROTOCOLS[first.protocol].believed:
        page.callout("warning", f"Only the {first.protocol} protocol was run: no headline may come from it.")
    page.table(
        *curve_rows(found, brief=True), f"Accuracy by strength. The area under the curve is {AREA_WEIGHTING}, from 0."
    )
    page.section("Attacks", f"About {first.passes:.0f} network passes per image at most.")
    sees = PROTOCOLS[first.protocol].attack_note(first)
    page.table(*attack_columns(first), f"Share of images each attack leaves right: {sees}.")
    page.table(["attack", "settings"], [[label, text] for label, text in first.attacks.items()], "In the order run.")
    for label in first.verified.get("minimum_norm") or {}:
        _nearest(page, first, label)
    page.section("What was verified")
    facts = [[key.replace("_", " "), _fact(value)] for key, value in first.verified.items() if key != "minimum_norm"]
    page.table(["fact", "value"], facts, "")
    if pictures is not None:
        page.section("Examples", "Images that were broken, and the noise that broke them, magnified around grey.")
        page.image(pictures, "Clean image, attacked image, noise: one group per strength.")
    return page


def _nearest(page: Page, result: Evaluation, label: str) -> None:
    page.section(
        f"Cross-check by {label}",
        f"{label} looks for the nearest adversarial image of every image, once; an image whose nearest one lies within "
        "a strength is broken at that strength. Its curve should agree with that of the attacks at fixed strength: "
        "what it alone breaks, they missed.",
    )
    page.table(*nearest_columns(result, label), "Images counted at each strength; the worst case includes both.")


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _checks(page: Page, path: Path) -> None:
    if not path.is_file():
        return
    verdict = _verdict(path)
    page.section("Checks", "Signs that a robustness measurement cannot be believed, from `wsrnas check`.")
    if verdict["ok"]:
        page.callout("good", f"None of {len(verdict['findings'])} checks was flagged.")
    else:
        page.callout("warning", f"Flagged: {', '.join(verdict['flags'])}.")
    headers = ["check", "verdict", "evidence", *([] if verdict["ok"] else ["what to do"])]
    rows = [
        [one["name"], one["state"], one["evidence"], one["remedy"] if one["state"] == "flag" else ""][: len(headers)]
        for one in verdict["findings"]
    ]
    page.table(headers, rows, "")


class _Finding(TypedDict):
    name: str
    state: str
    evidence: str
    remedy: str


class _Verdict(TypedDict):
    ok: bool
    flags: list[str]
    findings: list[dict[str, Any]]


def _verdict(path: Path) -> dict[str, Any]:
    """Read what `wsrnas check` wrote, as far as the page shows it."""
    remedy = "run `wsrnas check` again"
    verdict = read_object(path, remedy=remedy)
    for where, values, kind in [
        (str(path), verdict, _Verdict),
        *((f"{path}: findings", one, _Finding) for one in verdict.get("findings", []) if isinstance(one, dict)),
    ]:
        for name in kind.__annotations__:
            if name not in values:
                refuse(where, expected=f"the field '{name}'", got="none", remedy=remedy)
        check_fields(values, kind, source=where, remedy=remedy)
    return verdict
