"""The picture of the README: how far the small network that comes with wsrnas stays right, with its intervals.

    python benchmarks/readme_picture.py --out docs/images/robustness.svg

The numbers are those of the strict evaluation that its card prints (`robustbench-strict.json` beside its weights); they
are drawn, not measured again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wsrnas.files import read_object, write_atomic
from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.svg import standalone
from wsrnas.weights import shipped_folder

SHIPPED = "resnet-18.trades-digits"
OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "robustness.svg"


def measured() -> dict[str, Any]:
    """Return the strict evaluation of the shipped network."""
    folder = shipped_folder(SHIPPED)
    assert folder is not None, "it comes with the package"
    return read_object(folder / "robustbench-strict.json")


def picture() -> str:
    """Return the drawing."""
    found = measured()
    points = found["spectrum"]
    curve = Series(
        "still right",
        [point["radius"] for point in points],
        [float(point["acc"]) / 100 for point in points],
        [float(point["interval"][0]) / 100 for point in points],
        [float(point["interval"][1]) / 100 for point in points],
    )
    label = "largest change of a pixel (strength, L∞, pixels in [0,1])"
    drawn = curve_figure([curve], x_label=label, y_label="test images", chance=0.1, percent=True)
    shares = ", ".join(f"{point['acc']} % ({' to '.join(point['interval'])}) at {point['eps']}" for point in points)
    about = (
        f"Share of {found['images']} test images that {SHIPPED} still classifies correctly under "
        f"{len(found['attacks'])} attacks, by strength, with 95 % intervals: {shares}."
    )
    return standalone(drawn, about)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    write_atomic(options.out, picture())
    print(options.out)


if __name__ == "__main__":
    main()
