"""The words of the film, for somebody who has never trained a network: what each moment and each curve means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch.record import Record

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
    "dots": "Each is a row: the nearer to the line, the nearer the answer to the truth. The model was asked after each epoch; "
    "in between, the dots are drawn as moving evenly.",
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
    source = words.clip(record.data.get("source") or record.name, 60)
    parts = {chart["title"] for chart in film["charts"]}
    left_out: tuple[str, ...] = () if "gradient" in parts else ("gradient",)
    left_out += {"classes": ("dots",), "numbers": ("bars",), "text": ("bars", "dots", "rows of the film")}[film["kind"]]
    left_out += () if film["test"] else ("test", "95 % interval")
    return {
        "name": words.clip(record.name, 60),
        "headline": _headline(record, film, source),
        "standfirst": _standfirst(record, film, source),
        "glossary": {name: text for name, text in GLOSSARY.items() if name not in left_out},
    }


def _headline(record: Record, film: Mapping[str, Any], source: str) -> str:
    if film["kind"] == "text":
        return f"How a model learned to write like {source}"
    if film["kind"] == "numbers":
        return f"How a model learned to predict {film['target']}"
    names = [words.clip(label, 24) for label in record.watched["labels"][:5]]
    if len(names) < 5 and sum(map(words.width, names)) <= 48:
        return f"How a model learned to tell {', '.join(names[:-1])} and {names[-1]} apart"
    return f"How a model learned to tell {len(record.watched['labels']):,} classes apart"


def _standfirst(record: Record, film: Mapping[str, Any], source: str) -> str:
    reached, planned = _reached(record), record.started.get("epochs") or 0
    model = words.clip(record.report.get("model") or record.settings.get("model", {}).get("name", "a model"), 40)
    epochs = "one epoch" if reached == 1 else f"{reached:,} epochs"
    when = "before the first step and after each epoch"
    rows = f"The same {len(film.get('rows', ()))} rows, which it never learns from, are put to it {when}."
    asked = f"It writes a few words {when}." if film["kind"] == "text" else rows
    told = f"{model} on {source}{f', {epochs}' if record.report else ''}. {asked}"
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
        if film["kind"] == "text":
            return "The weights are random, and so is what the model writes."
        if film["kind"] == "numbers":
            return "The weights are random, and so are the answers. Each dot is to come to the line."
        happen = f"{moment['right']} of {len(film['rows'])} happen to be right"
        return f"The model has seen nothing yet. Its answers are guesses; {happen}."
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


def test(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is revealed at the end: score, interval, what it had to beat, and where they lie on a line from ``low``."""
    found = report.get("test") or {}
    lead = metrics.lead(found)
    if not lead:
        return None
    main = scores.facts(report)[0]
    beaten = next((fact for fact in scores.facts(report) if fact.name == "to beat"), None)
    value, against = found[lead], (report.get("baseline") or {}).get(lead)
    ends = scores.interval_of(lead, found)
    high = 1.0 if metrics.is_share(lead) else 1.15 * max(filter(None, [value, against, *(ends or ())]))
    asked = f"{words.count(found['n'])} test {scores.unit(report)}" if found.get("n") is not None else "the test"
    verdict = scores.verdict(report)
    return {
        "asked": f"Now the test: {asked} that had no part in learning, nor in choosing the epoch. They are used this once.",
        "name": main.name,
        "value": main.value,
        "sure": main.sure,
        "beat": f"{beaten.value} is what {_named(beaten.remark)} reaches." if beaten else "",
        "verdict": f"{verdict[0].upper()}{verdict[1:]}." if verdict else "",
        "line": {"high": high, "value": value, "ends": ends, "against": against, "share": metrics.is_share(lead)},
    }


def _named(remark: str) -> str:
    """Return what the baseline does, in plain words: ``majority class, World``."""
    name, _, more = remark.partition(", ")
    if name in ("majority class", "the same labels for every row"):
        return f"always answering {more}"
    if name == "mean of the training targets":
        return f"always answering the mean ({more})"
    return f"the {name} model"


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
