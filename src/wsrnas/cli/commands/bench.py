"""`wsrnas bench`: searches, loss estimators and strengths judged on published tables, and how fast the work is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wsrnas.cli.settings import Parser, known_name
from wsrnas.errors import refuse
from wsrnas.types import parse_count

STRATEGIES = (
    "objective",
    "queries",
    "seeds",
    "strategies",
    "label_noise",
    "label_ageing",
    "max_params",
    "after",
    "figure",
    "processes",
)
BENCHES = {
    "nb201": STRATEGIES,
    "robbench": STRATEGIES,
    "nb201-ranking": ("seeds",),
    "nb201-spectrum": ("queries", "seeds", "equal_cost"),
    "tiny-robustbench": ("seeds",),
}
"""What each takes besides --data, --dataset and --json."""
ONE_DATASET = ("tiny-robustbench",)
MEASURED_HERE = ("speed", "growth")
"""Benches that need no table; `wsrnas.cli.commands.bench_speed` reads their options."""


def bench(arguments: Sequence[str]) -> int:
    """Judge searches, ψ, labels and the choice of strengths on published tables of robustness.

    `wsrnas bench speed --help` and `wsrnas bench growth --help`: how fast the work is here.
    """
    if arguments and arguments[0] in MEASURED_HERE:
        from wsrnas.cli.commands import bench_speed

        return bench_speed.RUN[arguments[0]](arguments[1:])
    from wsrnas.studies.tables import nb201, ranking, robbench, spectrum, tiny_robustbench
    from wsrnas.studies.tables.strategies import ON_TABLE

    parser = Parser(prog="wsrnas bench", description=bench.__doc__)
    parser.add_argument(
        "name",
        help="nb201 or robbench (strategies; networks trained as usual, or adversarially), tiny-robustbench (label "
        "policies on learning curves), nb201-ranking (loss estimators) or nb201-spectrum (strengths)",
    )
    parser.add_argument("--data", required=True, help="folder of the table, with its published files")
    parser.add_argument(
        "--dataset", default=None, help="one of the table's data sets (cifar10; robbench: or cifar100, imagenet)"
    )
    parser.add_argument("--seeds", type=int, default=None, help="runs of each (30; ranking 10, tiny-robustbench 5)")
    parser.add_argument("--json", default=None, help="file for the result")
    of_strategies = parser.add_argument_group("nb201 and robbench")
    objectives = "wide, joint, and on nb201 paper, apgd or square, on robbench autoattack (wide)"
    of_strategies.add_argument("--objective", default=None, help=objectives)
    of_strategies.add_argument("--strategies", default=None, help=f"some of {','.join(ON_TABLE)}")
    of_strategies.add_argument("--label-noise", type=float, default=None, help="rank correlation noisy labels leave")
    ageing = "with --label-noise, FACTOR,HALF_LIFE: after q queries the error is 1 + FACTOR*2^(-q/HALF_LIFE) as large"
    of_strategies.add_argument("--label-ageing", default=None, help=ageing)
    limit = "no strategy asks for a larger network, such as 800k; regret is from the best within the limit"
    of_strategies.add_argument("--max-params", default=None, help=limit)
    after = "queries after which regret is told, such as 20,50,100 (a quarter, half and all of --queries)"
    of_strategies.add_argument("--after", default=None, help=after)
    of_strategies.add_argument("--figure", default=None, help="file for regret against queries (.svg or .png)")
    of_strategies.add_argument("--processes", type=int, default=None, help="searches at the same time (2)")
    of_budget = parser.add_argument_group("nb201, robbench and nb201-spectrum")
    budget = "distinct architectures: nb201 200, robbench and nb201-spectrum 100"
    of_budget.add_argument("--queries", type=int, default=None, help=budget)
    of_spectrum = parser.add_argument_group("nb201-spectrum")
    of_spectrum.add_argument("--equal-cost", action="store_true", help="cheaper selections get more queries")
    options = parser.parse_args(list(arguments))
    known_name("bench", options.name, (*BENCHES, *MEASURED_HERE))
    if options.name in MEASURED_HERE:
        refuse("bench", expected=f"{options.name} before its options", got=" ".join(arguments))
    given = {name: value for name, value in vars(options).items() if value is not None and value is not False}
    name, data = given.pop("name"), given.pop("data")
    shared = {"json_path": given.pop("json", None)}
    if name not in ONE_DATASET:
        shared["dataset"] = given.pop("dataset", "cifar10")
    _check_options(name, given)
    if "strategies" in given:
        given["strategies"] = given["strategies"].split(",")
    if "label_ageing" in given:
        given["label_ageing"] = _two_numbers("--label-ageing", given["label_ageing"])
    if "max_params" in given:
        given["max_params"] = parse_count(given["max_params"], argument="--max-params")
    if "after" in given:
        given["after"] = [parse_count(part, argument="--after") for part in given["after"].split(",")]
    runs: dict[str, Callable[..., object]] = {
        "nb201": nb201.run,
        "robbench": robbench.run,
        "nb201-ranking": ranking.run,
        "nb201-spectrum": spectrum.run,
        "tiny-robustbench": tiny_robustbench.run,
    }
    runs[name](data, **shared, **given)
    return 0


def _check_options(name: str, given: Mapping[str, object]) -> None:
    """Refuse options that another bench has."""
    always = ("data", "json") if name in ONE_DATASET else ("data", "dataset", "json")
    for option in given:
        if option not in BENCHES[name]:
            shown = ", ".join(f"--{other.replace('_', '-')}" for other in (*always, *BENCHES[name]))
            expected = f"an option of bench {name} ({shown})"
            refuse(f"--{option.replace('_', '-')}", expected=expected, got="one of another bench")


def _two_numbers(option: str, text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        refuse(option, expected="two numbers with a comma between them, such as 3,50", got=repr(text))
    return first, second
