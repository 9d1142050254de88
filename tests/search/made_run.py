"""A run folder as a search writes it, from made-up numbers."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import yaml

STRENGTHS = [0.03, 0.045, 0.06, 0.075, 0.09, 0.105]
CELL = '<svg width="200" height="80" viewBox="0 0 200 80"><rect width="40" height="20"/><text>normal</text></svg>'


def losses_of(draw: np.random.Generator, progress: float) -> list[float]:
    quality = draw.normal(0, 0.12) - 0.25 * progress
    return [float(0.35 + 5.5 * e + quality * (1 + 4 * e) + draw.normal(0, 0.03)) for e in [0, *STRENGTHS]]


def make_metrics(population: int = 12, iterations: int = 20) -> list[dict[str, Any]]:
    draw = np.random.default_rng(0)
    lines: list[dict[str, Any]] = []
    best = math.inf
    for i in range(2 * population + iterations):
        phase = "warm up" if i < population else "build" if i < 2 * population else "search"
        losses = None if phase == "warm up" else losses_of(draw, i / 50)
        objective = None if losses is None else 0.8 * losses[0] + 0.2 * float(np.mean(losses[1:]))
        best = best if objective is None else min(best, objective)
        predicted = [x + float(draw.normal(0, 0.08)) for x in losses or []] if phase == "search" else None
        chosen = "population" if phase != "search" else "uniform" if i % 7 == 0 else "proposed"
        fidelity = {"0.045": 0.97, "0.075": 0.93 + 0.01 * (i % 3), "0.105": 0.8 + 0.002 * i}
        lines.append({
            "phase": phase, "iteration": i, "architecture": [0, 3, -1], "genotype_id": f"g{i:03d}", "chosen": chosen,
            "train_loss": 1.2, "train_accuracy": 0.5, "losses": losses, "predicted": predicted, "objective": objective,
            "best_objective": None if losses is None else best, "fidelity": fidelity if losses and i % 5 == 0 else None,
            "loss_error": {"0.045": 0.01, "0.075": -0.02, "0.105": -0.1},
            "noise_estimator_loss": None, "loss_estimator_loss": 0.01 if phase == "search" else None,
            "cost": 120.0 * (i + 1),
        })  # fmt: skip
    return lines


def make_timings(count: int) -> list[dict[str, Any]]:
    phases = {
        "adversarial training": 0.61,
        "attacks for the estimator": 0.12,
        "attacks on D_v": 0.44,
        "measuring": 0.05,
    }
    return [
        {"phase": phase, "seconds": seconds, "iteration": i} for i in range(count) for phase, seconds in phases.items()
    ]


def curve(clean: float, first: float) -> dict[str, Any]:
    accuracy = [clean, *(first - 4 * e for e in STRENGTHS)]
    return {"accuracy": accuracy, "low": [max(a - 0.05, 0) for a in accuracy], "high": [a + 0.05 for a in accuracy]}


def make_comparison(first: float = 0.8) -> dict[str, Any]:
    random = [curve(0.9, 0.68 - 0.01 * i) for i in range(4)]
    strengths = [0.0, *STRENGTHS]
    found = curve(0.93, first)
    return {"strengths": strengths, "winner": found, "random": random, "images": 360, "epochs": 12, "attack": "PGD-20"}


def make_result() -> dict[str, Any]:
    losses = [0.21, 0.33, 0.41, 0.52, 0.63, 0.71, 0.8]
    winner = {
        "id": "a1b2c3d4e5f6",
        "losses": losses,
        "verified_losses": [x + 0.02 for x in losses],
        "parameters": 54321,
    }
    other = {"id": "0f0f0f0f0f0f", "losses": [x + 0.1 for x in losses], "verified_losses": [x + 0.2 for x in losses]}
    return {
        "recipe": "digits", "preset": "ours", "space": "darts", "strengths": STRENGTHS, "data": {"name": "digits"},
        "known": STRENGTHS[::2], "estimated": STRENGTHS[1::2], "fallen_back": [],
        "objective": {"clean_weight": 0.8, "robust_weight": 0.2, "strength_weights": [0.1, 0.1, 0.2, 0.2, 0.2, 0.2]},
        "winner": winner, "finalists": [winner, other],
        "seconds": 118.4, "cost": 5280.0, "warnings": ["Strength 0.105 was attacked for real from iteration 30 on."],
        "paper_table6": [{"case": "Wsr-NAS", "adv_train": 610.6, "ae_generation": 576.3, "search": None, "ewss": 37.1,
                          "ane_train_test": 27.6, "sum": 1251.6}],
    }  # fmt: skip


def make_run(
    path: Path,
    *,
    result: dict[str, Any] | None = None,
    metrics: list[dict[str, Any]] | None = None,
    comparison: dict[str, Any] | None = None,
) -> Path:
    """Write a run folder as a search does; `result` {} leaves result.json out, as in a search that was interrupted."""
    path.mkdir(parents=True)
    lines = make_metrics() if metrics is None else metrics
    outcome = make_result() if result is None else result
    config = {
        "recipe": "digits", "train_recipe": "pgd-digits", "preset": "ours", "seed": 0,
        "data": {"name": "digits", "root": None},
        "space": {"name": "darts"}, "spectrum": {"strengths": STRENGTHS, "attacked": 3},
        "budget": {"population": 12, "iterations": 20},
        "noise_estimator": {"fidelity_bound": 0.9, "name": "rescale", "refine": 1, "refine_step": 0.3},
        "runtime": {"device": "auto", "precision": "32-true"},
    }  # fmt: skip
    env = {"kind": "search", "wsrnas": "0.1.0", "torch": "2.9.0", "python": "3.10.1", "cuda": None, "threads": 2}
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    (path / "env.json").write_text(json.dumps(env))
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "timings.jsonl").write_text("".join(json.dumps(line) + "\n" for line in make_timings(len(lines))))
    if outcome:
        (path / "result.json").write_text(json.dumps(outcome))
        (path / "genotype.json").write_text(json.dumps({"schema": 1, "space": "darts", "cells": {}}))
        (path / "comparison.json").write_text(json.dumps(comparison or make_comparison()))
        (path / "cell.svg").write_text(CELL)
        draw = np.random.default_rng(1)
        images = draw.random((6, 1, 8, 8), dtype=np.float32)
        signs = np.sign(draw.standard_normal((6, 6, 1, 8, 8))).astype(np.float32)
        noise = signs * np.array(STRENGTHS, dtype=np.float32).reshape(6, 1, 1, 1, 1)
        predictions = draw.integers(0, 10, (7, 6))
        adversarial = np.clip(images + noise, 0, 1)
        np.savez(
            path / "examples.npz",
            images=images,
            labels=np.arange(6),
            adversarial=adversarial,
            predictions=predictions,
        )
    return path
