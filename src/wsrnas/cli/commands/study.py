"""`wsrnas study`: the measurements that decide the defaults, and what they say of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.settings import Parser, known_name
from wsrnas.errors import nearest, refuse

STUDIES = ("estimators", "one-shot", "space", "labels", "payoff", "thesis")
SPACED = {"space": "stages", "labels": "darts", "payoff": "nb201", "thesis": "nb201"}
"""Studies of one search space, and the space where none is named."""
OF_SOME = {
    "space": tuple(SPACED),
    "limits.params": ("payoff",),
    "limits.multiply_adds": ("payoff",),
    "shared_searches": ("payoff",),
    "from": ("labels",),
}
"""Options that not every study has."""


def study(arguments: Sequence[str]) -> int:
    """Compare noise estimators, one-shot ranks, labels, what a space holds, what a search or more strengths find."""
    parser = Parser(prog="wsrnas study", description=study.__doc__)
    parser.add_argument("name", help=" or ".join(STUDIES))
    parser.add_argument("--scale", default="smoke", help="smoke, small (2 cores), paper (a GPU); estimators: digits")
    parser.add_argument("--space", default=None, help="of space, labels, payoff and thesis: darts, nb201 or stages")
    parser.add_argument("--data.root", default=None, help="folder with CIFAR-10 as parquet files")
    parser.add_argument("--limits.params", default=None, help="of payoff: most parameters, such as 20k")
    parser.add_argument("--limits.multiply_adds", default=None, help="of payoff: most multiply-adds of an image")
    parser.add_argument(
        "--shared_searches", type=int, default=None, help="of payoff: searches with opponents under shared weights"
    )
    parser.add_argument("--from", default=None, help="of labels: judge a finished table, a file or one that is shipped")
    parser.add_argument("--out", default=None, help="run folder")
    parser.add_argument("--seed", type=int, default=0, help="of everything")
    add_json(parser, "the content of study.json")
    options = parser.parse_args(list(arguments))
    known_name("study", options.name, STUDIES)
    scales = ("smoke", "digits", "small", "paper") if options.name == "estimators" else ("smoke", "small", "paper")
    if options.scale not in scales:
        refuse("--scale", expected=" | ".join(scales), got=options.scale, remedy=nearest(options.scale, scales))
    for option, studies in OF_SOME.items():
        if options[option] is not None and options.name not in studies:
            remedy = f"only {', '.join(studies)} {'asks' if len(studies) == 1 else 'ask'} for it"
            refuse(f"--{option}", expected="nothing here", got=options[option], remedy=remedy)
    root = options["data.root"]
    with only_result(options.json):
        found, out = _measured(options, root)
        print(f"report: {out}/report.html")
    if options.json:
        print_json(found)
    return 0


def _measured(options: Any, root: str | None) -> tuple[dict[str, Any], str]:
    """Return what a study came to, and its folder."""
    if options.name in SPACED:
        return _of_a_space(options.name, options.space or SPACED[options.name], options, root)
    if options.name == "one-shot":
        from wsrnas.studies.one_shot.study import default_out, run

        out = options.out or default_out(options.scale, root)
        return run(scale=options.scale, data_root=root, out=out, seed=options.seed), out
    from wsrnas.studies.noise.study import run as run_estimators

    out = options.out or f"runs/study-estimators-{options.scale}"
    return run_estimators(scale=options.scale, data_root=root, out=out, seed=options.seed), out


def _of_a_space(name: str, space: str, options: Any, root: str | None) -> tuple[dict[str, Any], str]:
    out = options.out or f"runs/study-{name}-{space}-{options.scale}"
    if name == "labels":
        from wsrnas.studies.labels.study import judged
        from wsrnas.studies.labels.study import run as run_labels

        if options["from"] is not None:
            out = options.out or "runs/study-labels-judged"
            return judged(options["from"], out=out, seed=options.seed), out
        return run_labels(scale=options.scale, space=space, data_root=root, out=out, seed=options.seed), out
    if name == "space":
        from wsrnas.studies.space.study import run as run_space

        return run_space(scale=options.scale, space=space, data_root=root, out=out, seed=options.seed), out
    if name == "payoff":
        from wsrnas.search.limits import LimitsConfig
        from wsrnas.studies.payoff.study import run as run_payoff

        limits = LimitsConfig(params=options["limits.params"], multiply_adds=options["limits.multiply_adds"])
        given = {"limits": limits, "shared_searches": options.shared_searches}
        return run_payoff(scale=options.scale, space=space, data_root=root, out=out, seed=options.seed, **given), out
    from wsrnas.studies.thesis.study import run as run_thesis

    return run_thesis(scale=options.scale, space=space, data_root=root, out=out, seed=options.seed), out
