"""`wsrnas study` and `wsrnas bench`: the measurements that decide the defaults."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.settings import Parser
from wsrnas.errors import nearest, refuse

STUDIES = ("estimators",)
BENCHES = ("nb201",)


def study(arguments: Sequence[str]) -> int:
    """Compare noise estimators on networks they have never seen (the paper's Table 5 and more)."""
    from wsrnas.studies.estimators import run

    parser = Parser(prog="wsrnas study", description=study.__doc__)
    parser.add_argument("name", help="estimators")
    parser.add_argument("--scale", default="smoke", help="smoke (digits), small (CIFAR-10, 2 cores) or paper (a GPU)")
    parser.add_argument("--data.root", default=None, help="folder with CIFAR-10 as parquet files")
    parser.add_argument("--out", default=None, help="run folder")
    parser.add_argument("--seed", type=int, default=0, help="of everything")
    options = parser.parse_args(list(arguments))
    _known("study", options.name, STUDIES)
    scales = ("smoke", "small", "paper")
    if options.scale not in scales:
        refuse("--scale", expected=" | ".join(scales), got=options.scale, remedy=nearest(options.scale, scales))
    run(scale=options.scale, data_root=options["data.root"], out=options.out, seed=options.seed)
    print(f"report: {options.out or f'runs/study-estimators-{options.scale}'}/report.html")
    return 0


def bench(arguments: Sequence[str]) -> int:
    """Compare search strategies on the robustness table of NAS-Bench-201."""
    from wsrnas.benchmarks.nb201 import run
    from wsrnas.benchmarks.strategies import DEFAULT

    parser = Parser(prog="wsrnas bench", description=bench.__doc__)
    parser.add_argument("name", help="nb201")
    parser.add_argument("--data", required=True, help="folder of the table: meta.json and a folder per data set")
    parser.add_argument("--dataset", default="cifar10", help="one of the table's data sets")
    parser.add_argument("--objective", default="wide", help="wide, joint, paper, apgd or square")
    parser.add_argument("--queries", type=int, default=200, help="budget in distinct architectures")
    parser.add_argument("--seeds", type=int, default=30, help="runs of each strategy")
    parser.add_argument("--strategies", default=None, help=f"some of {','.join(DEFAULT)}")
    parser.add_argument("--label-noise", type=float, default=None, help="rank correlation that noisy labels leave")
    parser.add_argument("--json", default=None, help="file for the result")
    parser.add_argument("--figure", default=None, help="file for regret against queries (.svg or .png)")
    parser.add_argument("--processes", type=int, default=2, help="searches at the same time")
    options = parser.parse_args(list(arguments))
    _known("bench", options.name, BENCHES)
    run(
        options.data,
        dataset=options.dataset,
        objective=options.objective,
        queries=options.queries,
        seeds=options.seeds,
        strategies=DEFAULT if options.strategies is None else options.strategies.split(","),
        label_noise=options.label_noise,
        json_path=options.json,
        figure=options.figure,
        processes=options.processes,
    )
    return 0


def _known(command: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        refuse(f"wsrnas {command}", expected=" | ".join(known), got=name, remedy=nearest(name, tuple(known)))
