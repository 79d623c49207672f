"""Settings drawn from their own declarations, so that a new one is drawn without a word here: ordinary ones, and the edges.

Strings that no type says (columns, splits, periods) are in ``WORDS``; a setting that is a string and not there fails a test.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel
from samples import FILLER, TOPICS, write_csv

from trainwright.config.kinds import KINDS
from trainwright.config.resolve import belongs
from trainwright.config.settings import AUGMENTATIONS, Settings
from trainwright.models.catalog import models
from trainwright.training import losses, optim
from trainwright.watch.metrics import METRICS
from trainwright.watch.metrics import fitting as fitting_metrics

ROWS = 60
BRIEF = {"epochs": 2, "device": "cpu", "speed": "off"}
CLASSES = {"optimizer": optim.OPTIMIZERS, "schedule": optim.SCHEDULES, "loss": losses.LOSSES}
TABLES = ("text", "table", "image")
# Values of strings by setting. Columns are those of ``write_source``; of the rest a value in ten is none that can be.
WORDS: dict[str, list[Any]] = {
    "task": [],  # said by the source
    "device": ["cpu", "auto"],
    "text": [["text"], ["title", "text"]],
    "image": ["picture"],
    "features": [[], ["size", "colour"], ["size", "weight", "text"]],
    "label": ["kind", "size", "tags", "red,green"],
    "columns": [{"colour": each} for each in ("category", "ignore", "text")] + [{"day": "date"}],
    "split": ["content", "stratified", "group:who", "time:day", "column:part"],
    "sample_weight": ["weight"],
    "delimiter": ["comma", ","],
    "encoding": ["utf-8", "ascii"],
    "augment": [[], *([each] for each in AUGMENTATIONS), ["shift", "flip", "mixup"]],
    "freeze": [[], ["embedding"], ["classifier"]],
    "class_weights": ["none", "balanced", "power:0.5", {"sport": 2.0}],
    "rates": [{}, {"embedding": 0.1}, {"classifier": 2.0}],
    "monitor": sorted(METRICS),
    "checkpoint_every": ["0", "60s", "1epoch", "2steps", "1steps"],
    "time": [0.0],  # a run that is stopped by the clock is not repeated
    "workers": [0],
    "speed": ["off"],
    "compile": [False],  # it takes a minute
    "vocabulary": [],  # of runs that go on from one
    "header": ["auto", "yes"],
}
TARGETS = {"kind": "class", "size": "number", "tags": "labels", "red,green": "labels"}
LOSSES = {
    "class": losses.CLASS_NUMBERS + losses.ONE_HOT,
    "number": losses.NUMBERS,
    "labels": losses.SEVERAL,
    "token": ("CrossEntropyLoss",),
}
EDGES = (
    "", "0", "-1", "1", "2", "0.5", "1e39", "-1e39", "1e-320", "nan", "inf", "-inf", "true", "abc", "\u00e9", "1,2,3",
    "1,2,3,4", "[]", "[1,[2]]", "{a=1}", "9223372036854775807", "99999999999999999999999999", "1979-05-27", "x" * 2000,
)  # fmt: skip


def write_source(task: str, folder: Path) -> Path:
    """Rows of every kind of column, pictures that a table names, or prose."""
    draw = random.Random(5)
    folder.mkdir(parents=True, exist_ok=True)
    if task == "language":
        text = "\n".join(" ".join(draw.choices(FILLER, k=8)) for _ in range(ROWS))
        (folder / "prose.txt").write_text(f"{text}\n")
        return folder / "prose.txt"
    header = ("kind", "title", "text", "size", "tags", "red", "green", "weight", "who", "day", "part", "colour")
    rows = []
    for number in range(ROWS):
        kind = ("sport", "money")[number % 2]
        words = [*draw.choices(TOPICS[kind], k=2), *draw.choices(FILLER, k=4), f"n{number}"]
        tags, part = draw.choice(("a", "b", "a|b")), ("train", "train", "valid", "test")[number // 2 % 4]
        row = [kind, f"a {draw.choice(FILLER)}", " ".join(words), f"{draw.gauss(number % 2, 0.5):.3f}", tags]
        row += [str(number // 2 % 2), str(number // 3 % 2), str(1 + number % 3), f"p{number // 3}"]
        rows.append((*row, f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}", part, draw.choice(("blue", "grey"))))
    if task == "image":
        header = ("picture", *header)
        rows = [(f"{number:02}.png", *row) for number, row in enumerate(rows)]
        for (name, *_), pixels in zip(rows, np.random.default_rng(5).integers(0, 256, (ROWS, 8, 8, 3), np.uint8), strict=True):
            Image.fromarray(pixels).save(folder / name)
    return write_csv(folder / f"{task}.csv", rows, header)


def named(task: str) -> dict[str, Any]:
    """What a person says of the source, and what keeps a run short."""
    told: dict[str, Any] = {"label": "kind"} if KINDS[task].labelled else {}
    return {"task": task, **told, **({"text": ["text"]} if task == "text" else {}), **BRIEF}


def settings(task: str, draw: random.Random, likely: float = 0.25) -> dict[str, Any]:
    """Some settings of a task, each with this probability."""
    schema = _schema(Settings)
    found: dict[str, Any] = {"task": task}
    for key, field in Settings.model_fields.items():
        if not belongs(field, task) or draw.random() > likely:
            continue
        if key in CLASSES:
            found[key] = component(key, draw)
        elif key == "model":
            found[key] = model(task, draw)
        else:
            found |= (
                {key: draw.choice(WORDS[key])} if WORDS.get(key) else {} if key in WORDS else {key: value(schema[key], draw)}
            )
    return _fitting(task, named(task) | found, draw) | {"epochs": BRIEF["epochs"]}


def _fitting(task: str, found: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """The same settings, where some would be refused beside others; one in ten stays as it was drawn."""
    target = TARGETS.get(found.get("label", ""), "token")
    fitting = {
        "target": [target],
        "tokenizer": KINDS[task].tokenizers,
        "monitor": fitting_metrics(target),
        "loss": [_one({name: losses.LOSSES[name] for name in LOSSES[target]}, draw)],
    }
    beside = {"valid_fraction", "test_fraction"} if found.get("split") == "column:part" else set()
    beside |= {"text", "loss"} if task == "language" else {"threshold"} if target == "number" else set()
    beside |= {"label_smoothing", "class_weights"} if target in ("number", "labels") else set()
    if draw.random() < 0.1:
        return found
    return {key: draw.choice(fitting[key]) if key in fitting else each for key, each in found.items() if key not in beside}


@cache
def _schema(settings: type[BaseModel]) -> dict[str, Any]:
    """What each setting takes, as JSON schema says it."""
    found: dict[str, Any] = settings.model_json_schema()["properties"]
    return found


def value(schema: Mapping[str, Any], draw: random.Random) -> Any:
    """A value that a schema takes, a small one where it has no end."""
    if "anyOf" in schema:
        return value(draw.choice([each for each in schema["anyOf"] if each.get("type") != "null"]), draw)
    if "enum" in schema or "const" in schema:
        return draw.choice(schema.get("enum", [schema.get("const")]))
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    if schema["type"] == "boolean":
        return draw.random() < 0.5
    if schema["type"] == "integer":
        return min(draw.randint(least, least + 8) + ("exclusiveMinimum" in schema), int(schema.get("maximum", 99)))
    if schema["type"] == "number":
        return (
            draw.choice((float(least), round(draw.uniform(0.001, 0.9), 3)))
            if "minimum" in schema
            else round(draw.uniform(0.001, 0.9), 3)
        )
    if schema["type"] == "array":
        return [value(schema["items"], draw) for _ in range(draw.randint(0, 2))]
    raise AssertionError(f"WORDS has no values for a setting of {schema}")


def model(task: str, draw: random.Random) -> dict[str, Any]:
    """A model of the task with some of its settings."""
    name, each = draw.choice(list(models(task).items()))
    schema = _schema(each.settings)
    fields = {key: field for key, field in each.settings.model_fields.items() if key != "name" and belongs(field, task)}
    chosen = {key: value(schema[key], draw) for key in fields if draw.random() < 0.4}
    return {"name": name, **chosen} | ({"width": 8, "heads": draw.choice((1, 2, 4))} if name == "gpt" else {})


def component(setting: str, draw: random.Random) -> Any:
    """An optimiser, loss, or one or two schedules of torch, with some of its arguments."""
    kinds = CLASSES[setting]
    if setting == "schedule":
        return [_one(kinds, draw) | {"every": draw.choice(("step", "epoch"))} for _ in range(draw.choice((0, 1, 1, 2)))]
    return _one(kinds, draw)


def _one(kinds: Mapping[str, type], draw: random.Random) -> dict[str, Any]:
    name = draw.choice(sorted(kinds))
    found: dict[str, Any] = {"name": name}
    for argument, parameter in arguments(kinds[name]).items():
        needed = parameter.default is parameter.empty
        if needed or draw.random() < 0.3:
            given = _argument(str(parameter.annotation), parameter.default, draw)
            found |= {} if given is None else {argument: given}
    return found


def arguments(kind: type) -> dict[str, inspect.Parameter]:
    """What a class of torch is given by settings."""
    own = ("optimizer", "params", "lr", "last_epoch", "reduction", "size_average", "reduce")
    return {name: each for name, each in inspect.signature(kind).parameters.items() if name not in own}


def _argument(annotation: str, default: Any, draw: random.Random) -> Any:
    """A value near the default, or of the type that it has."""
    if "Literal" in annotation:
        return draw.choice([each.strip("' ") for each in annotation.partition("Literal[")[2].partition("]")[0].split(",")])
    if isinstance(default, bool) or "bool" in annotation:
        return draw.random() < 0.5
    if isinstance(default, tuple):
        return [None if each is None else each * draw.choice((0.9, 1)) for each in default] if None not in default else None
    if "Iterable" in annotation:
        return [2, 3]
    if isinstance(default, float) and default not in (1e6,):
        return default * draw.choice((0.5, 0.9, 1))
    if "int" in annotation:
        return draw.randint(1, 4)
    if "float" in annotation or isinstance(default, int | float):
        return round(draw.uniform(0.01, 0.9), 3)
    if "Tensor" in annotation:
        return [1.0, 2.0]
    return None


def edges() -> Iterator[tuple[str, str]]:
    """(task, words) for every setting, model setting and argument of torch's classes, at every edge."""
    for key, field in Settings.model_fields.items():
        for task in KINDS:
            if belongs(field, task) and key not in ("model", *CLASSES):
                yield from ((task, f"{key}={each}") for each in EDGES)
                break
    for task in KINDS:
        for name, each in models(task).items():
            for key in each.settings.model_fields:
                yield from ((task, f"model={name} model.{key}={edge}") for edge in EDGES if key != "name")
    for setting, kinds in CLASSES.items():
        for name, kind in kinds.items():
            needed = _needed(kind) if setting == "schedule" else {}
            for argument in (*arguments(kind), "every", "lr", "last_epoch", "reduction"):
                others = " ".join(f"{setting}.{key}={each}" for key, each in needed.items() if key != argument)
                yield from (("table", f"{setting}={name} {others} {setting}.{argument}={edge}") for edge in EDGES)
            yield from ((task, f"{setting}={name}") for task in KINDS)
        yield from (("table", f"{setting}={edge}") for edge in EDGES)
        yield from (("table", f"{setting}.gamma={edge}") for edge in EDGES)
    yield from (
        ("table", f"{key}={edge}")
        for key in ("epoch", "lr.x", "model.x", "model.hidden.x", "columns.size", "columns.", ".")
        for edge in EDGES
    )


def _needed(kind: type) -> dict[str, Any]:
    ordinary: dict[str, Callable[[], Any]] = {"milestones": lambda: "2,3"}
    found = {key: each for key, each in arguments(kind).items() if each.default is each.empty}
    return {key: ordinary.get(key, lambda: 2)() for key in found}
