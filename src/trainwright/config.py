"""Every setting: type, default, unit and meaning. Words and TOML go in, resolved TOML comes out; unknown keys are refused.

A setting whose default is ``None`` is derived from the data when it is not given, and said with its reason. ``0`` and
``""`` switch a thing off. ``optimizer``, ``schedule`` and ``loss`` are named as torch names them and take torch's own
arguments beside the name, so those tables are open here and checked against torch when the run is built.
"""

from __future__ import annotations

import importlib.resources
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from trainwright.errors import TrainwrightError, error, nearest

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: object) -> object:
    """``90``, ``"90s"``, ``"1.5h"`` as seconds; anything else is left for the type check to refuse."""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([0-9.]+)\s*([smhd])\s*", value)):
        try:
            return float(found[1]) * UNITS[found[2]]
        except ValueError:
            return value
    return value


def _words(value: object) -> object:
    """A comma-separated word as a list, for settings that take several values."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | float) else value


def _split_name(value: str) -> str:
    if value in ("content", "stratified") or re.fullmatch(r"(group|time):.+", value):
        return value
    raise ValueError("one of content, stratified, group:COLUMN, time:COLUMN")


Seconds = Annotated[float, BeforeValidator(_seconds)]
Words = Annotated[list[str], BeforeValidator(_words)]
Sizes = Annotated[list[Annotated[int, Field(gt=0)]], BeforeValidator(_words)]
SplitName = Annotated[str, AfterValidator(_split_name)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


def setting(default: Any, help: str, unit: str = "", **limits: Any) -> Any:
    """A field with its meaning and unit; ``None`` as the default means derived."""
    return Field(default, description=help, json_schema_extra={"unit": unit}, **limits)


class Strict(BaseModel):
    """Settings refuse what they do not know, and non-finite numbers."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)


class BagSettings(Strict):
    """``bag``: the sum or mean of token and n-gram embeddings, then a linear classifier."""

    name: Literal["bag"] = "bag"
    embedding: int | None = setting(None, "embedding size; 0 = a linear model straight on the n-grams", "dimensions", ge=0)
    ngrams: int | None = setting(None, "longest word n-gram", "tokens", ge=1, le=5)
    weighting: Literal["none", "tf-idf"] | None = setting(None, "weight of each token in the bag: none = the mean")
    hidden: Sizes = setting([], "widths of hidden layers between bag and classifier", "units")
    dropout: Fraction = setting(0.0, "dropout before the classifier", "probability")
    init_range: float = setting(0.5, "embeddings and weights start uniform in +- this; biases at zero", gt=0)


class TextCNNSettings(Strict):
    """``textcnn``: convolutions of several widths over the token sequence, the maximum over time, a linear classifier."""

    name: Literal["textcnn"] = "textcnn"
    embedding: int = setting(128, "embedding size", "dimensions", gt=0)
    filters: int = setting(128, "filters of each width", "channels", gt=0)
    widths: Sizes = setting([2, 3, 4], "filter widths", "tokens")
    dropout: Fraction = setting(0.3, "dropout before the classifier", "probability")


class LSTMSettings(Strict):
    """``lstm``: a recurrent network over the token sequence, the maximum over time, a linear classifier."""

    name: Literal["lstm"] = "lstm"
    embedding: int = setting(128, "embedding size", "dimensions", gt=0)
    hidden: int = setting(128, "state size of each direction", "units", gt=0)
    layers: int = setting(1, "recurrent layers", gt=0)
    bidirectional: bool = setting(True, "read the text in both directions")
    dropout: Fraction = setting(0.3, "dropout between layers and before the classifier", "probability")


ModelSettings = BagSettings | TextCNNSettings | LSTMSettings
MODELS: dict[str, type[BagSettings] | type[TextCNNSettings] | type[LSTMSettings]] = {
    m.model_fields["name"].default: m for m in get_args(ModelSettings)
}


class Named(BaseModel):
    """A class of torch by its own name, with its own arguments; checked against torch when the run is built."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments beside the name."""
        return dict(self.model_extra or {})


class Schedule(Named):
    """A class of ``torch.optim.lr_scheduler``; ``every`` says what one of its steps is."""

    every: Literal["step", "epoch"] = "step"


class Settings(Strict):
    """All settings of a run."""

    text: Words = setting([], "text columns; several are joined in this order; empty = derived")
    label: str = setting("", "label column; empty = derived")
    split: SplitName = setting("content", "how rows are split: content, stratified, group:COLUMN or time:COLUMN")
    valid_fraction: Fraction | None = setting(None, "part of the rows kept for validation", "fraction")
    test_fraction: Fraction | None = setting(None, "part of the rows kept for the test", "fraction")

    tokenizer: Literal["words", "basic-english", "characters"] = setting("words", "how a text becomes tokens")
    lowercase: bool = setting(True, "fold upper case to lower case")
    min_count: int | None = setting(None, "a token or n-gram must occur so often in the training split", "times", ge=1)
    max_vocabulary: int = setting(0, "keep so many tokens and n-grams at most, the most frequent; 0 = all", ge=0)
    max_tokens: int | None = setting(None, "read so many tokens of a text at most; 0 = all", "tokens", ge=0)

    model: ModelSettings = setting(BagSettings(), "the network", discriminator="name")
    optimizer: Named | None = setting(None, "a class of torch.optim, with its arguments")
    lr: float | None = setting(None, "learning rate", ge=0)
    schedule: list[Schedule] | None = setting(None, "classes of torch.optim.lr_scheduler, chained; [] = constant")
    warmup: float = setting(0.0, "linear warm-up: a number of steps, or below 1 a part of the run", "steps", ge=0)
    loss: Named | None = setting(None, "a loss class of torch.nn, with its arguments")
    label_smoothing: Fraction = setting(0.0, "probability spread over all classes in the target", "probability")
    class_weights: Literal["none", "balanced"] = setting("none", "balanced = each class counts the same in the loss")
    clip: float = setting(0.0, "clip the norm of the gradient to this; 0 = off", ge=0)
    clip_value: float = setting(0.0, "clip each entry of the gradient to +- this; 0 = off", ge=0)

    batch_size: int | None = setting(None, "rows of one forward pass", "rows", gt=0)
    accumulate: int = setting(1, "forward passes whose gradients make one update", "batches", gt=0)
    epochs: int | None = setting(None, "passes over the training split", "epochs", ge=0)
    steps: int = setting(0, "stop after so many updates; 0 = no limit", "updates", ge=0)
    time: Seconds = setting(0.0, "stop training after so long: 90s, 5m, 2h; 0 = no limit", "seconds", ge=0)
    patience: int = setting(0, "stop when validation has not improved for so many epochs; 0 = off", "epochs", ge=0)
    monitor: Literal["accuracy", "loss"] = setting("loss", "the validation score whose best epoch is kept")

    seed: int = setting(0, "fixes initial weights, order and dropout", ge=0, lt=2**63)
    device: str = setting("auto", "cpu, cuda, mps, or auto = the fastest present")
    threads: int | None = setting(None, "processor threads of torch; 0 = torch's own choice", ge=0)


COMPONENTS = ("model", "optimizer", "schedule", "loss")


def nest(words: Iterable[str]) -> dict[str, Any]:
    """``["lr=0.1", "model.embedding=64"]`` as ``{"lr": "0.1", "model": {"embedding": "64"}}``.

    Values stay text; ``resolve`` gives them their type. Raises E303 for a word without ``=`` and E304 for a key given twice.
    """
    nested: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        *path, last = (part.strip() for part in key.split("."))
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


def resolve(given: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> Settings:
    """Typed settings from nested values (text or typed), laid over ``base``.

    Raises:
        SettingError: E301 for an unknown key, E302 for a value of the wrong type or size.
    """
    values: dict[str, Any] = {}
    for layer in (base or {}, given):
        if not isinstance(layer, Mapping):
            raise error("E302", key="settings", value=layer, problem="they are a table of keys and values")
        for key, value in layer.items():
            if key not in Settings.model_fields:
                raise error("E301", key=key, hint=nearest(key, keys()))
            values[key] = _component(key, value, values.get(key)) if key in COMPONENTS else value
    try:
        return Settings.model_validate(values)
    except ValidationError as problem:
        raise _explain(problem) from None


def _component(key: str, value: Any, before: Any) -> Any:
    """A named component: ``bag``, ``{"name": "bag", ...}``, ``{"embedding": 64}`` over what was there before."""
    return _schedules(value, before) if key == "schedule" else _named(key, value, before)


def _named(key: str, value: Any, before: Any) -> Any:
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
        value.setdefault("name", "bag")
        if str(value["name"]) not in MODELS:
            raise error("E306", name=value["name"], choices=", ".join(MODELS), hint=nearest(str(value["name"]), MODELS))
    return value


def _schedules(value: Any, before: Any) -> Any:
    """One schedule by name, several as a list, or ``{"0": ..., "1": ...}`` from dotted words."""
    if isinstance(value, str):
        return [{"name": name.strip()} for name in value.split(",") if name.strip() not in ("", "none")]
    if isinstance(value, Mapping):
        numbered = all(str(key).isdigit() for key in value)
        entries = [value[key] for key in sorted(value, key=int)] if numbered else [value]
        olds = [*(before or []), *([None] * len(entries))]
        return [_named("schedule", entry, old) for entry, old in zip(entries, olds, strict=False)]
    return value


def _literal(value: Any) -> Any:
    """A word as the TOML value that it spells, else as text."""
    if not isinstance(value, str):
        return value
    if "," in value and not value.startswith("["):
        value = f"[{value}]"
    try:
        return tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return value.strip("[]") if value.startswith("[") else value


def _explain(problem: ValidationError) -> TrainwrightError:
    first = problem.errors()[0]
    place = [str(part) for part in first["loc"]]
    if len(place) > 1 and place[1] in MODELS:
        del place[1]  # the tag of the union is no part of the key
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        return error("E301", key=key, hint=nearest(key, keys()))
    return error("E302", key=key, value=first["input"], problem=first["msg"].removeprefix("Value error, "))


class Row(BaseModel):
    """One line of ``trainwright settings``."""

    key: str
    type: str
    default: str
    unit: str
    meaning: str


def rows() -> Iterator[Row]:
    """Every setting, in order; those of a model under ``model.``, with the model's name."""
    for key, field in Settings.model_fields.items():
        if key == "model":
            yield _row("model", field, kind="|".join(MODELS), default="bag")
            for name, model in MODELS.items():
                for inner, each in model.model_fields.items():
                    if inner != "name":
                        yield _row(f"model.{inner} ({name})", each)
        else:
            yield _row(key, field)


def keys() -> list[str]:
    """Every key as it is written on the command line."""
    return sorted({row.key.split(" ")[0] for row in rows()})


def _type_name(annotation: Any) -> str:
    """``float``, ``a|b`` or ``list of int`` for an annotation, whatever wraps it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "|".join(map(str, inner))
    if origin is list:
        return f"list of {_type_name(inner[0])}"
    if inner:
        return _type_name(inner[0])
    return "name" if issubclass(annotation, Named) else str(annotation.__name__)


def _row(key: str, field: Any, kind: str = "", default: str = "") -> Row:
    shown = "derived" if field.default is None else str(getattr(field.default, "name", field.default))
    unit = (field.json_schema_extra or {}).get("unit", "")
    return Row(
        key=key,
        type=kind or _type_name(field.annotation),
        default=default or shown or "none",
        unit=unit,
        meaning=field.description or "",
    )


def to_toml(settings: Settings, **tables: Mapping[str, Any]) -> str:
    """Settings as complete TOML; settings still underived are left out. ``tables`` are appended as they are."""
    import tomli_w

    return tomli_w.dumps(settings.model_dump(exclude_none=True) | {key: dict(value) for key, value in tables.items()})


def recipes() -> dict[str, dict[str, Any]]:
    """The recipes inside the package, by name: ``description``, ``source``, ``settings``, ``expected``."""
    folder = importlib.resources.files("trainwright") / "recipes"
    found = sorted((path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)
    return {path.name.removesuffix(".toml"): tomllib.loads(path.read_text(encoding="utf-8")) for path in found}


def recipe(name: str) -> dict[str, Any]:
    """A recipe by name, or from a ``.toml`` file. Raises E307 for an unknown name and E308 for a file that is no recipe."""
    if name.endswith(".toml"):
        return _recipe_file(Path(name))
    known = recipes()
    if name not in known:
        raise error("E307", name=name, choices=", ".join(known), hint=nearest(name, known))
    return known[name]


def recipe_text(name: str) -> str:
    """The file of a recipe as it is. Raises E307."""
    recipe(name)
    return (importlib.resources.files("trainwright") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")


def _recipe_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise error("E308", path=path, problem=problem) from None
    if "settings" in content:
        return content
    return {"settings": {key: value for key, value in content.items() if key != "run"}}  # a run's own settings.toml
