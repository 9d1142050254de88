"""`wsrnas bench speed` and `wsrnas bench growth`: how fast the work is on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsrnas.cli.settings import Parser
from wsrnas.errors import at_least


def speed(arguments: Sequence[str]) -> int:
    """Time every phase beside a plain implementation of the same work and beside other libraries.

    The two of a pair take turns, so that their ratio holds on a busy machine too.
    """
    from wsrnas.studies.speed.bench import PHASES, run

    parser = Parser(prog="wsrnas bench speed", description=speed.__doc__)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--recipe", default="cifar10-small", help="search whose sizes and settings are timed")
    parser.add_argument("--preset", default=None, help="ours or paper")
    parser.add_argument("--phases", default=None, help=f"some of {','.join(PHASES)}")
    parser.add_argument("--pairs", type=int, default=5, help="how often each way is timed")
    parser.add_argument("--batches", type=int, default=1, help="batches of an epoch and of a measurement")
    parser.add_argument("--runtime.threads", type=int, default=None, help="CPU threads")
    parser.add_argument("--runtime.channels_last", type=bool, default=None, help="memory format of our way")
    parser.add_argument("--runtime.fast", type=bool, default=None, help="false closes our fast paths")
    parser.add_argument("--json", default=None, help="file for the result")
    options = parser.parse_args(list(arguments))
    asked = ("preset", "runtime.threads", "runtime.channels_last", "runtime.fast")
    run(
        device=options.device,
        recipe=options.recipe,
        chosen=None if options.phases is None else [name.strip() for name in options.phases.split(",")],
        pairs=options.pairs,
        batches=options.batches,
        json_path=options.json,
        settings={name: options[name] for name in asked if options[name] is not None},
    )
    return 0


def growth(arguments: Sequence[str]) -> int:
    """Time the attack step against images, strengths, cells, channels and image size, and fit how it grows."""
    from wsrnas.studies.speed.growth import run

    parser = Parser(prog="wsrnas bench growth", description=growth.__doc__)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--recipe", default="cifar10-small", help="search whose sizes are varied one by one")
    parser.add_argument("--repeats", type=int, default=3, help="timed passes of every size")
    parser.add_argument("--json", default=None, help="file for the result")
    options = parser.parse_args(list(arguments))
    at_least(1, **{"--repeats": options.repeats})
    run(device=options.device, recipe=options.recipe, repeats=options.repeats, json_path=options.json)
    return 0


RUN: dict[str, Callable[[Sequence[str]], int]] = {"speed": speed, "growth": growth}
"""Each bench by its name."""
