"""Whether a change that should be neutral is: short searches, trainings and an evaluation, bit for bit.

    python benchmarks/same_results.py record before.json      # at the old commit
    python benchmarks/same_results.py compare before.json     # at the new one: exit 1 where a number differs

Only the command line is used, so that modules may move in between. About two minutes on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SMALL = [
    "--recipe=digits",
    "--data.train_limit=128",
    "--data.valid_limit=64",
    "--data.test_limit=64",
    "--budget.population=3",
    "--budget.iterations=4",
    "--space.channels=4",
    "--space.layers=3",
]
RUNS: dict[str, list[str]] = {
    "search ours": ["search", *SMALL, "--rivals.count=1", "--rivals.epochs=1", "--finalists.epochs=1"],
    "search paper": ["search", *SMALL, "--preset=paper", "--rivals.count=0"],
    "search evolution": ["search", *SMALL, "--strategy=evolution", "--rivals.count=0", "--finalists.epochs=0"],
    "train pgd": ["train", "--recipe=pgd-digits", "--arch=wsrnet-basic", "--epochs=1", "--data.train_limit=128"],
    "train trades": [
        "train",
        "--recipe=pgd-digits",
        "--arch=racl",
        "--epochs=1",
        "--data.train_limit=128",
        "--loss.name=trades",
        "--loss.settings.eps=0.1",
        "--loss.settings.steps=5",
        "--ema=0.9",
    ],
}
TRAININGS = ["--network.channels=4", "--network.layers=3"]


def main() -> int:
    """Record, or compare with what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    found = measure()
    if options.mode == "record":
        options.file.write_text(json.dumps(found, indent=1) + "\n")
        print(f"recorded {len(found)} runs in {options.file}")
        return 0
    before = json.loads(options.file.read_text())
    differ = [
        f"{run}: {key}" for run in before for key in before[run] if found.get(run, {}).get(key) != before[run][key]
    ]
    print("\n".join(f"differs: {one}" for one in differ) or f"all {len(before)} runs are bit for bit the same")
    return 1 if differ else 0


def measure() -> dict[str, dict[str, Any]]:
    """Run everything in a temporary folder and return what must not change."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in RUNS.items():
            out = Path(folder) / name.replace(" ", "-")
            extra = TRAININGS if arguments[0] == "train" else []
            _run([*arguments, *extra, f"--out={out}", "--runtime.threads=1"])
            found[name] = _outcome(out)
        trained = Path(folder) / "train-pgd"
        _run(["evaluate", str(trained), "--strengths=0,0.03,0.1", "--protocol=both", "--limit=48"])
        for protocol in ("strict", "released"):
            record = json.loads((trained / "eval" / f"{protocol}.json").read_text())
            found[f"evaluate {protocol}"] = {key: record[key] for key in ("accuracy", "per_attack", "survives")}
    return found


def _run(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "wsrnas", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")


def _outcome(out: Path) -> dict[str, Any]:
    outcome: dict[str, Any] = {}
    if (out / "genotype.json").is_file():
        outcome["genotype"] = json.loads((out / "genotype.json").read_text())
    if (out / "metrics.jsonl").is_file():
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        keys = ("iteration", "epoch", "architecture", "losses", "predicted", "loss", "accuracy", "loss_estimator_loss")
        outcome["metrics"] = [{key: line[key] for key in keys if key in line} for line in lines]
    for weights in sorted(out.rglob("model.safetensors")):
        outcome[str(weights.relative_to(out))] = hashlib.sha256(weights.read_bytes()).hexdigest()
    return outcome


if __name__ == "__main__":
    raise SystemExit(main())
