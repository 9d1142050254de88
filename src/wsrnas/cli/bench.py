"""`wsrnas bench`: searches, loss estimators and strengths judged on published tables, and how fast the work is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsrnas.cli.settings import Parser, known_name
from wsrnas.errors import refuse

BENCHES = {
    "nb201": ("objective", "queries", "seeds", "strategies", "label_noise", "label_ageing", "figure", "processes"),
    "nb201-ranking": ("seeds",),
    "nb201-spectrum": ("queries", "seeds", "equal_cost"),
}
"""What each takes besides --data, --dataset and --json."""


MEASURED_HERE = ("speed", "growth")
"""Benches that need no table; `wsrnas.cli.bench_speed` reads their options."""


def bench(arguments: Sequence[str]) -> int:
    """Judge searches, ψ and the choice of strengths on the robustness table of NAS-Bench-201.

    `wsrnas bench speed --help` and `wsrnas bench growth --help`: how fast the work is here.
    """
    if arguments and arguments[0] in MEASURED_HERE:
        from wsrnas.cli import bench_speed

        return bench_speed.RUN[arguments[0]](arguments[1:])
    from wsrnas.studies.tables import nb201, ranking, spectrum
    from wsrnas.studies.tables.strategies import ON_TABLE

    parser = Parser(prog="wsrnas bench", description=bench.__doc__)
    parser.add_argument(
        "name", help="nb201 (strategies), nb201-ranking (loss estimators) or nb201-spectrum (strengths)"
    )
    parser.add_argument("--data", required=True, help="folder of the table: meta.json and a folder per data set")
    parser.add_argument("--dataset", default="cifar10", help="one of the table's data sets")
    parser.add_argument("--seeds", type=int, default=None, help="runs of each: 30, for nb201-ranking 10")
    parser.add_argument("--json", default=None, help="file for the result")
    of_strategies = parser.add_argument_group("nb201")
    of_strategies.add_argument("--objective", default=None, help="wide, joint, paper, apgd or square (wide)")
    of_strategies.add_argument("--strategies", default=None, help=f"some of {','.join(ON_TABLE)}")
    of_strategies.add_argument("--label-noise", type=float, default=None, help="rank correlation noisy labels leave")
    ageing = "with --label-noise, FACTOR,HALF_LIFE: after q queries the error is 1 + FACTOR*2^(-q/HALF_LIFE) as large"
    of_strategies.add_argument("--label-ageing", default=None, help=ageing)
    of_strategies.add_argument("--figure", default=None, help="file for regret against queries (.svg or .png)")
    of_strategies.add_argument("--processes", type=int, default=None, help="searches at the same time (2)")
    of_budget = parser.add_argument_group("nb201 and nb201-spectrum")
    of_budget.add_argument("--queries", type=int, default=None, help="distinct architectures: 200, nb201-spectrum 100")
    of_spectrum = parser.add_argument_group("nb201-spectrum")
    of_spectrum.add_argument("--equal-cost", action="store_true", help="cheaper selections get more queries")
    options = parser.parse_args(list(arguments))
    known_name("bench", options.name, (*BENCHES, *MEASURED_HERE))
    if options.name in MEASURED_HERE:
        refuse("bench", expected=f"{options.name} before its options", got=" ".join(arguments))
    given = {name: value for name, value in vars(options).items() if value is not None and value is not False}
    shared = {"dataset": given.pop("dataset"), "json_path": given.pop("json", None)}
    name, data = given.pop("name"), given.pop("data")
    allowed = BENCHES[name]
    for option in given:
        if option not in allowed:
            shown = ", ".join(f"--{other.replace('_', '-')}" for other in allowed)
            expected = f"an option of bench {name} (--data, --dataset, --json, {shown})"
            refuse(f"--{option.replace('_', '-')}", expected=expected, got="one of another bench")
    if "strategies" in given:
        given["strategies"] = given["strategies"].split(",")
    if "label_ageing" in given:
        given["label_ageing"] = _two_numbers("--label-ageing", given["label_ageing"])
    runs: dict[str, Callable[..., object]] = {
        "nb201": nb201.run,
        "nb201-ranking": ranking.run,
        "nb201-spectrum": spectrum.run,
    }
    runs[name](data, **shared, **given)
    return 0


def _two_numbers(option: str, text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        refuse(option, expected="two numbers with a comma between them, such as 3,50", got=repr(text))
    return first, second
