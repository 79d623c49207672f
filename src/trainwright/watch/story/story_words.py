"""The words of the film, for somebody who has never trained a network: what each moment and each curve means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwright.watch import metrics, words
from trainwright.watch.record import Record
from trainwright.watch.story import story_end

SCORES = {
    "accuracy": "Share of the rows that are answered right.",
    "rmse": "How far off the answers typically are, in the unit of the number itself.",
    "perplexity": "Between how many next tokens the model wavers, on average.",
}
_LOSSES = {
    "CrossEntropyLoss": "Cross-entropy: how surprised the model is by the right answer. 0 is no surprise at all.",
    "NLLLoss": "Negative log-likelihood: how surprised the model is by the right answer. 0 is no surprise at all.",
    "BCEWithLogitsLoss": "Cross-entropy of each class against the rest: how surprised the model is by the truth. "
    "0 is no surprise.",
    "FocalLoss": "Focal loss: how surprised the model is by the right answer; rows that it is sure of hardly count. 0 is best.",
    "SigmoidFocalLoss": "Focal loss of each class against the rest: rows that the model is sure of hardly count. 0 is best.",
    "SquaredHingeLoss": "Squared hinge of each class against the rest: how far each answer falls short of a safe margin. "
    "0 is every answer right by that margin.",
    "MSELoss": "Mean squared error: large misses count far more than small ones. 0 is no miss at all.",
    "L1Loss": "Mean absolute error: how far off the answers are. 0 is no miss at all.",
}
_RATES = {
    "CosineAnnealingLR": "falls along half a cosine wave",
    "OneCycleLR": "rises, then falls far below where it began",
    "ReduceLROnPlateau": "falls whenever validation stops getting better",
    "PolynomialLR": "falls along a power of the time left",
}
GLOSSARY = {
    "epoch": "One pass over all the rows that the model learns from.",
    "step": "One correction of the model's weights, after a handful of rows. The thin line beside the loss is made of these.",
    "validation": "What is kept aside: the model is asked about it, but never learns from it.",
    "rows of the film": "Some of those of validation, the same all along, however the model fares on them.",
    "bars": "The model gives each possible answer a share of 100 % (softmax); that with the most is its answer. It was asked "
    "after each epoch; in between, the bars are drawn as moving evenly.",
    "bars of labels": "The model gives every label a probability of its own; those from 50 % on are its answer, which is right "
    "where no label is missing and none too many. It was asked after each epoch; in between, the bars move evenly.",
    "dots": "Each is a row: the nearer to the line, the nearer the answer to the truth. The model was asked after each epoch; "
    "in between, the dots are drawn as moving evenly.",
    "next tokens": "A bar is the probability of the token that really comes next, after all those before it. Green: it is the "
    "likeliest to the model. Below a red one stands what the model holds for likelier.",
    "loss": "The one number that training makes small.",
    "learning rate": "How far one step may move the weights. Large steps learn fast, small ones settle.",
    "gradient": "Where to the weights should move, and how strongly. Where it is clipped, one odd batch cannot throw the model "
    "off.",
    "test": "Rows that had no part in learning, nor in choosing the epoch. They are used once, at the end.",
    "95 % interval": "How far the score may be off by the luck of the draw: other rows of the kind would give another one.",
}


def words_of(record: Record, film: Mapping[str, Any]) -> dict[str, Any]:
    """Return headline, standfirst and glossary; each moment gets its title and its caption."""
    for moment in film["moments"]:
        moment["title"], moment["going"] = _titles(moment, record)
        moment["caption"] = _caption(moment, record, film)
    if not film["test"] and (why := story_end.why(record)):
        film["moments"][-1]["caption"] += f" {why}"
    source = words.clip(record.data.get("source") or record.name, 60)
    parts = {chart["title"] for chart in film["charts"]}
    left_out: tuple[str, ...] = () if "gradient" in parts else ("gradient",)
    sets = film.get("sets") is not None
    kinds = {"classes": ("bars of labels" if not sets else "bars", "dots"), "numbers": ("bars", "bars of labels")}
    left_out += kinds.get(film["kind"], ("bars", "bars of labels", "dots", "rows of the film"))
    left_out += () if film["kind"] == "text" and film["rows"] else ("next tokens",)
    left_out += () if film["test"] else ("test",)
    left_out += () if film["test"] and film["test"]["sure"] else ("95 % interval",)
    return {
        "name": words.clip(record.name, 60),
        "headline": _headline(record, film, source),
        "standfirst": _standfirst(record, film, source),
        "glossary": {name: text for name, text in GLOSSARY.items() if name not in left_out},
    }


def _headline(record: Record, film: Mapping[str, Any], source: str) -> str:
    """Say what was to be learned, and what came of it."""
    told = {story_end.LEARNED: "learned", story_end.HARDLY: "hardly learned", story_end.FAILED: "failed to learn"}
    learned = told[story_end.outcome(record)] if record.report else "learns"
    return f"How a model {learned} to {_aim(record, film, source)}"


def _aim(record: Record, film: Mapping[str, Any], source: str) -> str:
    if film["kind"] == "text":
        return f"write like {source}"
    if film["kind"] == "numbers":
        return f"predict {film['target']}"
    names = [words.clip(label, 24) for label in record.watched["labels"][:5]]
    if len(names) < 5 and sum(map(words.width, names)) <= 48:
        return f"tell {', '.join(names[:-1])} and {names[-1]} apart"
    return f"tell {len(record.watched['labels']):,} classes apart"


def _standfirst(record: Record, film: Mapping[str, Any], source: str) -> str:
    reached, planned = _reached(record), record.started.get("epochs") or 0
    model = words.clip(record.report.get("model") or record.settings.get("model", {}).get("name", "a model"), 40)
    epochs = "one epoch" if reached == 1 else f"{reached:,} epochs"
    when = "before the first step and after each epoch"
    rows = f"The same {len(film['rows'])} rows, which it never learns from, are put to it {when}."
    if film["kind"] == "text":
        asks = (
            f"is asked for each next token of {len(film['rows'])} passages that it never learns from, and "
            if film["rows"]
            else ""
        )
        rows = f"It {asks}writes a few words {when}."
    told = f"{model} on {source}{f', {epochs}' if record.report else ''}. {rows}"
    shown = sum(moment["kind"] == "epoch" and moment["epoch"] > 0 for moment in film["moments"])
    if shown < reached:
        told += f" {shown} of the {reached:,} epochs are shown."
    if not record.report:
        of = f" of {planned:,}" if planned > reached else ""
        told += f" The training has not ended: this is the story as far as epoch {reached:,}{of}."
    return told


def _reached(record: Record) -> int:
    return int(record.history[-1]["epoch"])


def _titles(moment: Mapping[str, Any], record: Record) -> tuple[str, str]:
    """Return what stands above a moment, and above the way to it."""
    epoch = f"epoch {moment['epoch']:,}"
    if moment["kind"] == "kept":
        return f"E{epoch[1:]} is kept", f"Back to {epoch}"
    of = f"{epoch} of {_reached(record):,}"
    return (f"After {of}", f"E{of[1:]}") if moment["epoch"] else ("Before the first step", "")


def _caption(moment: Mapping[str, Any], record: Record, film: Mapping[str, Any]) -> str:
    """Say in plain words what has happened up to this moment."""
    epoch, best = moment["epoch"], moment["best"]
    if moment["kind"] == "kept":
        return f"Epoch {epoch:,} did best on the validation {_unit(record)}. Its weights are taken; what came later is dropped."
    if not epoch:
        return _beginning(moment, record, film)
    seen = "once" if epoch == 1 else "twice" if epoch == 2 else f"{epoch:,} times"
    rows = record.started.get("rows") or 0
    all_rows = f"all {rows:,} training {_unit(record)}" if rows else f"all training {_unit(record)}"
    told = [f"The model has gone through {all_rows} {seen}, in {moment['at']:,} steps."]
    if moment["at"] < epoch * _steps_of_an_epoch(record):
        told = [f"The model has made {moment['at']:,} steps; its last pass over {all_rows} was cut short."]
    told += _measured(record, epoch)
    if best == epoch and _reached(record) > 1:
        told.append("This is the best epoch so far." if epoch < _reached(record) or not record.report else "")
    elif best and best < epoch:
        told.append(f"Epoch {best:,} is still the best.")
    return " ".join(filter(None, told))


def _beginning(moment: Mapping[str, Any], record: Record, film: Mapping[str, Any]) -> str:
    """Say what the model is before its first step: random, or what was kept of an earlier run."""
    before = words.clip(Path(str((record.settings.get("run") or {}).get("from") or "")).name, 40)
    right = f"{moment['right']} of {len(film['rows'])}" if film["kind"] == "classes" else ""
    if before:
        fresh = any(what in ("new", "partly kept") for what, _, _ in record.notes)
        kept = (
            f"what fits it of the earlier run {before}, the rest random"
            if fresh
            else f"the weights of the earlier run {before}"
        )
        answers = f" {right} are right before it has made a step on these data." if right else ""
        return f"The model begins with {kept}.{answers}"
    if record.call:  # a network of somebody's own may have learned before
        return f"The model as it was given, before its first step{f': {right} are right' if right else ''}."
    if film["kind"] == "text":
        return "The weights are random, and so is what the model writes."
    if film["kind"] == "numbers":
        return "The weights are random, and so are the answers. Each dot is to come to the line."
    return f"The model has seen nothing yet. Its answers are guesses; {right} happen to be right."


def _steps_of_an_epoch(record: Record) -> int:
    """Return how many steps a whole epoch has; 0 where that is not known."""
    batches, together = record.started.get("steps_per_epoch") or 0, record.settings.get("accumulate") or 1
    return -(-int(batches) // int(together))


def _measured(record: Record, epoch: int) -> list[str]:
    """Say how good the model is on all rows of validation after an epoch."""
    row = next(row for row in record.history if int(row["epoch"]) == epoch)
    name = metrics.leading(name for name in metrics.LEADING if row.get(f"valid_{name}") is not None)
    if not name:
        return []
    value, n = metrics.find(name).write(row[f"valid_{name}"]), (record.data.get("rows") or {}).get("valid")
    all_rows = f"all {n:,} validation {_unit(record)}" if n else f"the validation {_unit(record)}"
    if name == "accuracy":
        return [f"Of {all_rows}, {value} are answered right."]
    return [f"On {all_rows} its {metrics.find(name).title} is {value}."]


def _unit(record: Record) -> str:
    return words.clip(record.started.get("unit") or "rows", 12)


def hint_of_loss(record: Record) -> str:
    """Return what the loss of a run measures."""
    name = str((record.settings.get("loss") or {}).get("name"))
    return _LOSSES.get(name, f"What training makes small ({words.clip(name, 40)}).")


def hint_of_rate(record: Record) -> str:
    """Return how the rate moves, by the schedules of the settings."""
    told = ["rises from zero at first (warm-up)"] if record.settings.get("warmup") else []
    told += [_schedule(each) for each in record.settings.get("schedule") or []]
    return f"How far a step may move the weights. It {' and '.join(told) if told else 'stays the same'}."


def _schedule(each: Mapping[str, Any]) -> str:
    name = str(each.get("name"))
    gamma = each.get("gamma", 0.1)  # of the schedules that need not be given one, torch's own
    if name == "LinearLR":
        rises = each.get("start_factor", 1 / 3) < each.get("end_factor", 1.0)
        return f"{'rises' if rises else 'falls'} in a straight line"
    if isinstance(gamma, int | float) and name in ("ExponentialLR", "StepLR", "MultiStepLR"):
        unit = words.clip(each.get("every", "step"), 12)
        size = each.get("step_size") if name == "StepLR" else 1
        when = "at set times" if name == "MultiStepLR" else f"after every {unit}" if size == 1 else f"every {size} {unit}s"
        return f"is multiplied by {gamma:g} (gamma) {when}"
    return _RATES.get(name, f"follows {words.clip(name, 40)}")


def hint_of_gradient(record: Record, norms: Sequence[Sequence[float]], limit: float) -> str:
    """Return what clipping does, and how often it did."""
    cut = sum(norm > limit for _, norm in norms)
    how = (
        f"is cut, as in {cut} of the {len(norms)} steps drawn"
        if cut
        else f"would be cut; in the {len(norms)} steps drawn it never was"
    )
    return f"How strong a correction the rows ask for. Above {limit:g} it {how}."
