"""Settings: words and TOML go in, resolved TOML comes out; unknown keys, and those of another task, are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from trainwright.config.kinds import KINDS
from trainwright.config.settings import Named, Settings, check_monitor
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.fields import period
from trainwright.models.catalog import ModelSettings, models

RECIPES = Path(__file__).with_name("recipes")
COMPONENTS = ("model", "optimizer", "loss")
DOTTED = ("columns.", "rates.", "class_weights.")  # settings by a name, which may hold dots itself


def nest(words: Iterable[str]) -> dict[str, Any]:
    """Turn ``["lr=0.1", "model.embedding=64"]`` into ``{"lr": "0.1", "model": {"embedding": "64"}}``.

    Values stay text; ``resolve`` gives them their type. Raise E303 for a word without ``=`` and E304 for a key given twice.
    """
    nested: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        *path, last = (part.strip() for part in key.split(".", 1 if key.strip().startswith(DOTTED) else -1))
        if not equals or not last:
            raise error("E303", word=word)
        place = nested
        for part in path:
            if not isinstance(place.setdefault(part, {}), dict):
                place[part] = {"name": place[part]}
            place = place[part]
        if isinstance(place.get(last), dict) and "name" not in place[last]:
            place[last]["name"] = value
        elif last in place:
            raise error("E304", key=key)
        else:
            place[last] = value
    return nested


def resolve(given: Mapping[str, Any], base: Mapping[str, Any] | None = None, task: str = "") -> Settings:
    """Return typed settings from nested values (text or typed), laid over ``base``.

    Raise SettingError: E301 for an unknown key, E302 for a value of the wrong type or size and for a metric that does not fit
    the task, E306 for a model that there is not, E331 for a rollback to checkpoints that lie where the clock puts them; where
    the ``task`` is known, E321 for a setting and E322 for a model that belongs to another one.
    """
    values: dict[str, Any] = {}
    for layer in (base or {}, given):
        if not isinstance(layer, Mapping):
            raise error("E302", key="settings", value=layer, problem="they are a table of keys and values")
        for key, value in layer.items():
            if key not in Settings.model_fields:
                raise _unknown(key, layer)
            if key == "schedule":
                value = _schedules(value, values.get(key))
            elif f"{key}." in DOTTED and isinstance(value, Mapping):
                before = values.get(key)
                value = {**before, **value} if isinstance(before, Mapping) else value
            elif key in COMPONENTS:
                value = _named(key, value, values.get(key), task)
            values[key] = value
    if task:
        values["task"] = task
        values.setdefault("model", {"name": next(iter(models(task)))})
    try:
        settings = Settings.model_validate(values)
    except ValidationError as problem:
        raise _explain(problem, values) from None
    if settings.on_nonfinite == "rollback" and period(settings.checkpoint_every)[1] not in ("steps", "epochs"):
        if "checkpoint_every" in values:
            raise error("E331", value=settings.checkpoint_every)
        settings.checkpoint_every = "1epoch"
    kinds = [kind for kind in KINDS.values() if settings.task in ("auto", kind.name)]
    check_monitor(settings.monitor, [each for kind in kinds for each in kind.predicts])
    if task:
        _check_task(settings, task)
    return settings


def belongs(field: Any, task: str) -> bool:
    """Return whether a field is for ``task``."""
    only = (field.json_schema_extra or {}).get("only", "")
    return not only or task in only.split()


def _check_task(settings: Settings, task: str) -> None:
    """Raise E321, E322 and E302 for what another task would need."""
    model = settings.network
    if model.name not in models(task):
        raise error("E322", name=model.name, task=KINDS[task].title, choices=list(models(task)))
    for prefix, part in (("", settings), ("model.", model)):
        fields = type(part).model_fields
        for key in part.model_fields_set:
            if not belongs(fields[key], task) and getattr(part, key) != fields[key].default:
                only = [KINDS[each].title for each in fields[key].json_schema_extra["only"].split()]  # type: ignore[index,union-attr]
                raise error("E321", key=prefix + key, only=", ".join(only), task=KINDS[task].title)
    tokenizers = KINDS[task].tokenizers
    if settings.tokenizer and settings.tokenizer not in tokenizers:
        raise error("E302", key="tokenizer", value=settings.tokenizer, problem=f"one of {', '.join(tokenizers)}")


def _named(key: str, value: Any, before: Any, task: str = "") -> Any:
    """Return a component as a table: ``bag``, ``{"name": "bag", ...}``, ``{"embedding": 64}`` over what was there before."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping):
        return value
    value = {name: _literal(item) if key != "model" else item for name, item in value.items()}
    if isinstance(before, dict) and value.get("name", before.get("name")) == before.get("name"):
        value = before | value
    if key != "model" and "name" not in value:
        raise error("E305", key=key, argument=next(iter(value), "name"))
    if key == "model":
        value.setdefault("name", _model_with(value, task))
        if str(value["name"]) not in models():
            raise error("E306", name=value["name"], choices=list(models()), hint=nearest(str(value["name"]), models()))
    return value


def _model_with(arguments: Mapping[str, Any], task: str) -> str:
    """Return the first model of the task, or of any task while it is not known, that takes these arguments."""
    known = models(task)
    return next((name for name, each in known.items() if set(arguments) <= set(each.settings.model_fields)), next(iter(known)))


def _schedules(value: Any, before: Any) -> Any:
    """Return a list of schedules from one name or several, a table, or ``{"0": ..., "1": ...}`` from dotted words."""
    if isinstance(value, str):
        return [{"name": name.strip()} for name in value.split(",") if name.strip() not in ("", "none")]
    if isinstance(value, Mapping):
        numbered = all(str(key).isdigit() for key in value)
        entries = [value[key] for key in sorted(value, key=int)] if numbered else [value]
        olds = [*(before or []), *([None] * len(entries))]
        return [_named("schedule", entry, old) for entry, old in zip(entries, olds, strict=False)]
    return value


def _literal(value: Any) -> Any:
    """Return a word as the TOML value that it spells, else as text."""
    if not isinstance(value, str):
        return value
    if "," in value and not value.startswith("["):
        value = f"[{value}]"
    try:
        return tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return value.strip("[]") if value.startswith("[") else value


def _unknown(key: str, values: Mapping[str, Any]) -> TrainwrightError:
    """Return E301 for a key that is none here, though it may be one of another model, or one that is nested."""
    component, _, argument = key.partition(".")
    taking = [f"model={name}" for name, each in models().items() if argument in each.settings.model_fields]
    if component == "model" and key not in values and taking:
        return error("E301", key=key, hint=f"It is for {' and '.join(taking)}.")
    nested = f'Write it as {component}={{"{argument}": ...}}.' if key in keys() else ""
    return error("E301", key=key, hint=nested or nearest(key, keys()))


def _explain(problem: ValidationError, values: Mapping[str, Any]) -> TrainwrightError:
    first = problem.errors()[0]
    place = first["loc"]
    ways = [first]
    if not str(place[-1]).isidentifier() and len(place) > 1:  # what is wrong with a value as each of the things that it may be
        place = place[:-1]
        ways = [each for each in problem.errors() if each["loc"][:-1] == place]
    key = ".".join(map(str, place))
    if first["type"] == "extra_forbidden":
        return _unknown(key, values)
    said = [each["msg"].removeprefix("Value error, ") for each in ways]
    return error("E302", key=key, value=first["input"], problem=" or ".join(said))


class Row(BaseModel):
    """One line of ``trainwright settings``."""

    key: str
    type: str
    default: str
    unit: str
    tasks: str
    meaning: str


def rows() -> Iterator[Row]:
    """Yield every setting, in order; those of a model under ``model.``, with the model's name."""
    kinds = {"model": "|".join(models()), "monitor": "name", "threshold": "auto|float"}
    kinds["class_weights"] = "none|balanced|power:P|float of each NAME"
    for key, field in Settings.model_fields.items():
        yield _row(key, field, kinds.get(key, ""))
        for name, model in models().items() if key == "model" else ():
            for inner, each in model.settings.model_fields.items():
                if inner != "name":
                    yield _row(f"model.{inner} ({name})", each)


def keys() -> list[str]:
    """Return every key as it is written on the command line."""
    return sorted({row.key.split(" ")[0] for row in rows()})


def _type_name(annotation: Any) -> str:
    """Return ``float``, ``a|b`` or ``list of int`` for an annotation, whatever wraps it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "|".join(map(str, inner))
    if origin is dict:
        return f"{_type_name(inner[1])} of each NAME"
    if origin is list:
        return f"list of {_type_name(inner[0])}"
    if inner:
        return _type_name(inner[0])
    return "name" if issubclass(annotation, Named) else str(annotation.__name__)


def _row(key: str, field: Any, kind: str = "") -> Row:
    shown = "derived" if field.default is None else str(getattr(field.default, "name", field.default))
    extra = field.json_schema_extra or {}
    unit, tasks, meaning = extra.get("unit", ""), extra.get("only", ""), field.description or ""
    kind = kind or _type_name(field.annotation)
    return Row(key=key, type=kind, default=shown or "none", unit=unit, tasks=tasks, meaning=meaning)


def dump(settings: Settings) -> dict[str, Any]:
    """Return the settings of the run's task, nested; leave out those that are still underived."""
    values = settings.model_dump(exclude_none=True, exclude={"model"})
    kept = {key: value for key, value in values.items() if belongs(Settings.model_fields[key], settings.task)}
    return kept | ({} if settings.model is None else {"model": dump_model(settings.model, settings.task)})


def dump_model(model: ModelSettings, task: str) -> dict[str, Any]:
    """Return the settings of a model that are for the task; leave out those that are still underived."""
    fields = type(model).model_fields
    return {key: value for key, value in model.model_dump(exclude_none=True).items() if belongs(fields[key], task)}


def to_toml(settings: Settings, **tables: Mapping[str, Any]) -> str:
    """Return the settings of the run's task as complete TOML. ``tables`` are appended."""
    import tomli_w

    return tomli_w.dumps(dump(settings) | {key: dict(value) for key, value in tables.items()})


def recipes() -> dict[str, dict[str, Any]]:
    """Return the recipes inside the package, by name: ``description``, ``source``, ``settings``, ``expected``."""
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(RECIPES.glob("*.toml"))}


def recipe(name: str) -> dict[str, Any]:
    """Return a recipe by name, or from a ``.toml`` file. Raise E307 for an unknown name, E308 for a file that is no recipe."""
    if not name.endswith(".toml"):
        known = recipes()
        if name not in known:
            raise error("E307", name=name, choices=list(known), hint=nearest(name, known))
        return known[name]
    try:
        content = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise error("E308", path=Path(name), problem=problem) from None
    if "settings" in content:
        return content
    return {"settings": {key: value for key, value in content.items() if key != "run"}}  # a run's own settings.toml


def recipe_text(name: str) -> str:
    """Return the file of a recipe as it is. Raise E307."""
    recipe(name)
    return (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
