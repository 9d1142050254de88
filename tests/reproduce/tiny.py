"""A scale far below smoke, for tests that run a whole table in seconds."""

from dataclasses import replace

from wsrnas.reproduce.scale import Scale, named

DATA = {"name": "digits", "train_limit": 40, "valid_limit": 10, "test_limit": 12}


def tiny(**changes: object) -> Scale:
    smoke = named("smoke")
    sizes = {"cells": {"channels": 2, "layers": 1}, "robnet": {"channels": 2, "layers": 1}, "resnet": {"channels": 2}}
    train = {**smoke.train, "data": DATA, "batch_size": 20, "selection": {"every": 1, "steps": 1}}
    return replace(smoke, **{"name": "tiny", "sizes": sizes, "train": train, **changes})  # type: ignore[arg-type]
