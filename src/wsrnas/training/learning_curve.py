"""The curves of a training, as figures of its page."""

from __future__ import annotations

from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.training.record import TrainRecord
from wsrnas.types import format_strength


def add_learning_curve(page: Page, record: TrainRecord) -> None:
    """Accuracy, loss and learning rate after each epoch, of the network or of each member of an ensemble."""
    page.section(
        "Learning curve",
        "Accuracy on held-out training images, which choose the epoch that is kept, and on the images trained on "
        "(as the loss changed them, while the weights moved). The test set is not looked at.",
    )
    members = record.members or [record]
    for place, one in enumerate(members, start=1):
        name = f"Network {place} of {len(members)}: " if record.members else ""
        if one.metrics:
            _add_curves(page, one, name)
        else:
            page.callout("note", f"{name}no epoch is done yet.")


def _add_curves(page: Page, record: TrainRecord, name: str) -> None:
    attacked = "held out, " + attack_text(record)
    lines = (
        ("held out, clean", "held_out_accuracy"),
        (attacked, "held_out_robust_accuracy"),
        ("trained on", "train_accuracy"),
    )
    accuracies = [
        Series(label, *record.column(key), style="dashed" if key == "train_accuracy" else "solid")
        for label, key in lines
        if record.column(key)[0]
    ]
    if accuracies:
        kept = record.result.get("epoch")
        figure = curve_figure(
            accuracies, x_label="epoch", y_label="accuracy", percent=True, marks={kept: "kept"} if kept else {}
        )
        page.figure(figure, f"{name}Accuracy after each epoch{_trained_at(record)}.")
    for key, title, caption in (
        ("train_loss", "loss per image", "Mean training loss per image, in each epoch."),
        (
            "learning_rate",
            "learning rate",
            "Learning rate at the end of each epoch. Accuracies of epochs whose rate is still high say little.",
        ),
    ):
        epochs, values = record.column(key)
        if epochs:
            page.figure(curve_figure([Series("", epochs, values)], x_label="epoch", y_label=title), f"{name}{caption}")


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
    return f", trained at {', '.join(shown)}"
