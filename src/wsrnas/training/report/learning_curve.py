"""The curves of a training, as figures of its page."""

from __future__ import annotations

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.report.words import percent
from wsrnas.training.report.record import TrainRecord
from wsrnas.types import format_strength


def add_learning_curve(page: Page, record: TrainRecord) -> None:
    """Accuracy of the network or of each member of an ensemble after each epoch, then loss and learning rate."""
    page.section(
        "Learning curve",
        "Accuracy on held-out training images, which choose the epoch that is kept, and on the images trained on "
        "(as the loss changed them, while the weights moved). The test set is not looked at.",
    )
    members = record.members or [record]
    for place, one in enumerate(members, start=1):
        name = f"Network {place} of {len(members)}: " if record.members else ""
        if len(one.metrics) > 1:
            _add_accuracy(page, one, name)
        elif one.metrics:
            _add_only_epoch(page, one, name)
        else:
            page.callout("note", f"{name}no epoch is done yet.")
    names = [f"network {place}" for place in range(1, len(members) + 1)] if record.members else [""]
    losses = [
        Series(name, *one.column("train_loss"))
        for name, one in zip(names, members)
        if len(one.column("train_loss")[0]) > 1
    ]
    if losses:
        figure = curve_figure(losses, x_label="epoch", y_label="loss per image")
        page.figure(figure, "Mean training loss per image, in each epoch.")
    epochs, rates = members[0].column("learning_rate")
    if len(epochs) > 1:
        page.figure(
            curve_figure([Series("", epochs, rates)], x_label="epoch", y_label="learning rate"),
            "Learning rate at the end of each epoch. Accuracies of epochs whose rate is still high say little.",
        )


def _add_accuracy(page: Page, record: TrainRecord, name: str) -> None:
    attack = attack_text(record)
    lines = (("clean", "held_out_accuracy"), (attack, "held_out_robust_accuracy"), ("trained on", "train_accuracy"))
    accuracies = [
        Series(label, *record.column(key), style="dashed" if key == "train_accuracy" else "solid")
        for label, key in lines
        if record.column(key)[0]
    ]
    if not accuracies:
        return
    kept = record.result.get("epoch")
    figure = curve_figure(
        accuracies,
        x_label="epoch",
        y_label="accuracy",
        percent=True,
        chance=record.chance,
        marks={kept: "kept"} if kept else {},
    )
    attacked = f", clean and under {attack}," if record.column("held_out_robust_accuracy")[0] else ""
    page.figure(
        figure,
        f"{name}Accuracy after each epoch on held-out images{attacked} and on the images trained on"
        f"{_trained_at(record)}.",
    )


def _add_only_epoch(page: Page, record: TrainRecord, name: str) -> None:
    shown = (
        ("held out, clean", "held_out_accuracy"),
        (f"held out, {attack_text(record)}", "held_out_robust_accuracy"),
        ("trained on", "train_accuracy"),
    )
    rows = [[label, percent(record.column(key)[1][0])] for label, key in shown if record.column(key)[1]]
    page.table(["images", "accuracy"], rows, f"{name}After the only epoch so far{_trained_at(record)}: no curve yet.")


def attack_text(record: TrainRecord) -> str:
    """Return how held-out images were attacked, such as ``PGD at 8/255``."""
    strength = record.result.get("strength")
    return "PGD" if strength is None else f"PGD at {format_strength(float(strength))}"


def _trained_at(record: TrainRecord) -> str:
    strengths = record.setting("loss.settings.strengths") or record.setting("loss.settings.eps")
    if strengths is None:
        return ""
    values = strengths if isinstance(strengths, list) else [strengths]
    shown = (format_strength(value) if isinstance(value, float) else str(value) for value in values)
    return f", with noise of {', '.join(shown)}"
