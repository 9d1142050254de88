"""`wsrnas completion`: a script that lets a shell complete commands, options and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wsrnas import recipes, zoo
from wsrnas.attacks import ATTACKS
from wsrnas.cli.commands import completion_scripts
from wsrnas.cli.commands.bench import BENCHES, MEASURED_HERE
from wsrnas.cli.commands.study import STUDIES
from wsrnas.cli.commands.zoo import ACTIONS
from wsrnas.cli.parser import options_of, parser_of
from wsrnas.cli.settings import Parser
from wsrnas.errors import nearest, refuse
from wsrnas.estimators.noise import NOISE_ESTIMATORS
from wsrnas.evaluation.command import EVERY, STRENGTHS
from wsrnas.evaluation.protocols import PROTOCOLS
from wsrnas.evaluation.suites import SUITES
from wsrnas.export.formats import FORMATS
from wsrnas.reproduce import TABLES
from wsrnas.reproduce.scale import scale_names
from wsrnas.runs.loggers import LOGGERS
from wsrnas.search.build import STRATEGIES
from wsrnas.spaces import SPACES
from wsrnas.sweeps.sweep import PLACES
from wsrnas.training.losses import LOSSES
from wsrnas.training.schedules import SCHEDULES
from wsrnas.weights import shipped

DEVICES = ("auto", "cpu", "cuda", "mps")
DATA = ("digits", "cifar10", "cifar100", "svhn", "imagenet", "folder")


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What can stand after a command: options, what follows some of them, and words that are no options."""

    about: str
    options: Sequence[str]
    values: Mapping[str, Sequence[str]]
    words: Sequence[str]


def completion(arguments: Sequence[str]) -> int:
    """Print a script that lets a shell complete commands, options, recipes and names of networks.

    bash: `source <(wsrnas completion bash)`; zsh: the same with zsh, after compinit; fish: `wsrnas completion fish |
    source`.
    """
    parser = Parser(prog="wsrnas completion", description=completion.__doc__)
    shells = tuple(completion_scripts.SCRIPTS)
    parser.add_argument("shell", help=" | ".join(shells))
    options = parser.parse_args(list(arguments))
    if options.shell not in shells:
        refuse("shell", expected=" | ".join(shells), got=options.shell, remedy=nearest(options.shell, shells))
    print(completion_scripts.SCRIPTS[options.shell](completed()), end="")
    return 0


def completed() -> dict[str, Completed]:
    """Return what can stand after each command."""
    from wsrnas.cli import COMMANDS

    values, words = values_of(), words_of()
    found = {}
    for name, (_, about) in COMMANDS.items():
        options = list(options_of(parser_of(name)))
        if name == "bench":
            options += [one for part in MEASURED_HERE for one in options_of(parser_of(name, part))]
        known = {**values["*"], **values.get(name, {})}
        found[name] = Completed(
            about=about,
            options=tuple(dict.fromkeys(options)),
            values={option: known[option] for option in known if option in options},
            words=words.get(name, ()),
        )
    return found


def values_of() -> dict[str, dict[str, Sequence[str]]]:
    """Return what can stand after an option, by command; `*` is any command that has the option."""
    every: dict[str, Sequence[str]] = {
        "--preset": tuple(recipes.PRESETS),
        "--data.name": DATA,
        "--device": DEVICES,
        "--runtime.device": DEVICES,
        "--norm": tuple(STRENGTHS),
        "--protocol": (*PROTOCOLS, EVERY),
        "--suite": tuple(SUITES),
        "--attacks": ATTACKS.names(),
        "--format": FORMATS.names(),
        "--strategy.name": STRATEGIES.names(),
        "--space.name": SPACES.names(),
        "--noise_estimator.name": NOISE_ESTIMATORS.names(),
        "--loss.name": LOSSES.names(),
        "--schedule.name": SCHEDULES.names(),
        "--log": tuple(LOGGERS),
        "--on": PLACES,
        "--arch": zoo.list_models(),
        "--model": zoo.list_models(),
    }
    return {
        "*": every,
        "search": {"--recipe": recipes.names("search")},
        "train": {"--recipe": recipes.names("train")},
        "reproduce": {"--scale": scale_names()},
        "study": {"--scale": ("smoke", "digits", "small", "paper"), "--space": SPACES.names()},
    }


def words_of() -> dict[str, Sequence[str]]:
    """Return the words that can stand after a command, beside files."""
    networks = dict.fromkeys(("evaluate", "check", "predict", "export", "push"), shipped())
    return {
        **networks,
        "zoo": (*ACTIONS, *zoo.list_models()),
        "study": STUDIES,
        "reproduce": tuple(TABLES),
        "bench": (*BENCHES, *MEASURED_HERE),
        "completion": tuple(completion_scripts.SCRIPTS),
    }
