"""`wsrnas study` and `wsrnas bench`: the measurements that decide the defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsrnas.cli.settings import Parser
from wsrnas.errors import nearest, refuse

STUDIES = ("estimators", "one-shot")
BENCHES = {
    "nb201": ("objective", "queries", "seeds", "strategies", "label_noise", "label_ageing", "figure", "processes"),
    "nb201-ranking": ("seeds",),
    "nb201-spectrum": ("queries", "seeds", "equal_cost"),
}
"""What each takes besides --data, --dataset and --json."""


def study(arguments: Sequence[str]) -> int:
    """Compare noise estimators on networks they have never seen, or one-shot ranks with stand-alone training."""
    parser = Parser(prog="wsrnas study", description=study.__doc__)
    parser.add_argument("name", help=" or ".join(STUDIES))
    parser.add_argument("--scale", default="smoke", help="smoke, small (2 cores), paper (a GPU); estimators: digits")
    parser.add_argument("--data.root", default=None, help="folder with CIFAR-10 as parquet files")
    parser.add_argument("--out", default=None, help="run folder")
    parser.add_argument("--seed", type=int, default=0, help="of everything")
    options = parser.parse_args(list(arguments))
    _known("study", options.name, STUDIES)
    scales = ("smoke", "digits", "small", "paper") if options.name == "estimators" else ("smoke", "small", "paper")
    if options.scale not in scales:
        refuse("--scale", expected=" | ".join(scales), got=options.scale, remedy=nearest(options.scale, scales))
    root = options["data.root"]
    if options.name == "one-shot":
        from wsrnas.studies.one_shot.study import default_out, run

        out = options.out or default_out(options.scale, root)
        run(scale=options.scale, data_root=root, out=out, seed=options.seed)
    else:
        from wsrnas.studies.noise.study import run as run_estimators

        out = options.out or f"runs/study-estimators-{options.scale}"
        run_estimators(scale=options.scale, data_root=root, out=out, seed=options.seed)
    print(f"report: {out}/report.html")
    return 0


def bench(arguments: Sequence[str]) -> int:
    """Judge searches, ψ and the choice of strengths on the robustness table of NAS-Bench-201."""
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
    _known("bench", options.name, tuple(BENCHES))
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


def _known(command: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        refuse(f"wsrnas {command}", expected=" | ".join(known), got=name, remedy=nearest(name, tuple(known)))
