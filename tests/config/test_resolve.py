"""Settings: words and TOML in, typed values out, and nothing unknown passes."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.config import resolve as config
from trainwright.config.settings import EXECUTION_SETTINGS, Settings
from trainwright.errors import SettingError


def test_words_get_their_types() -> None:
    words = ["lr=0.1", "epochs=3", "time=90s", "lowercase=false", "text=title,body", "model.hidden=64,32", "model.embedding=16"]
    settings = config.resolve(config.nest(words))
    assert (settings.lr, settings.epochs, settings.time, settings.lowercase) == (0.1, 3, 90.0, False)
    assert settings.text == ["title", "body"]
    assert (settings.model.embedding, settings.model.hidden) == (16, [64, 32])


@pytest.mark.parametrize(("word", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86400)])
def test_durations(word: str, seconds: float) -> None:
    assert config.resolve({"time": word}).time == seconds


@pytest.mark.parametrize("order", [1, -1])
def test_a_component_and_its_arguments_in_any_order(order: int) -> None:
    words = ["optimizer=SGD", "optimizer.momentum=0.9", "optimizer.nesterov=true"][::order]
    optimizer = config.resolve(config.nest(words)).optimizer
    assert optimizer is not None and optimizer.name == "SGD" and optimizer.arguments == {"momentum": 0.9, "nesterov": True}


def test_several_schedules() -> None:
    words = [
        "schedule.0=LinearLR",
        "schedule.0.total_iters=5",
        "schedule.1=StepLR",
        "schedule.1.step_size=2",
        "schedule.1.every=epoch",
    ]
    schedule = config.resolve(config.nest(words)).schedule
    assert schedule is not None and [(s.name, s.every, s.arguments) for s in schedule] == [
        ("LinearLR", "step", {"total_iters": 5}),
        ("StepLR", "epoch", {"step_size": 2}),
    ]
    assert config.resolve({"schedule": ""}).schedule == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["epochz=3"], "E301", "epochs"),
        (["model.embeding=3"], "E301", "model.embedding"),
        (["model=lstm", "model.ngrams=2"], "E301", "model.ngrams"),
        (["epochs=three"], "E302", "epochs"),
        (["epochs=-1"], "E302", "epochs"),
        (["epochs=2.5"], "E302", "epochs"),
        (["lr=nan"], "E302", "lr"),
        (["threshold=f1"], "E302", "setting threshold='f1'"),
        (["lr=inf"], "E302", "lr"),
        (["split=random"], "E302", "stratified"),
        (["valid_fraction=1.5"], "E302", "valid_fraction"),
        (["time=soon"], "E302", "time"),
        (["time=1.2.3s"], "E302", "time"),
        (["model.hidden=0"], "E302", "model.hidden"),
        (["class_weights=heavy"], "E302", "balanced"),
        (["epochs"], "E303", "key=value"),
        (["=3"], "E303", "key=value"),
        (["lr=1", "lr=2"], "E304", "twice"),
        (["optimizer.momentum=0.9"], "E305", "optimizer=NAME"),
        (["model=bga"], "E306", "bag"),
        (["seed=-1"], "E302", "seed"),
        (["accumulate=99999999999999999999"], "E302", "9,223,372,036,854,775,807"),
        (["model=lstm", "model.init_range=1e39"], "E302", "init_range"),
        (["model=textcnn", "model.widths="], "E302", "widths"),
        (["optimizer=SGD", "optimizer.momentum=nan"], "E302", "momentum is a finite number"),
        (["schedule=StepLR", "schedule.step_size=inf"], "E302", "finite"),
        (["loss=CrossEntropyLoss", "loss.weight=[1, [2]]"], "E302", "list of these"),
        (["optimizer=SGD", "optimizer.momentum=1979-05-27"], "E302", "a word"),
    ],
)
def test_mistakes_are_named(words: list[str], code: str, says: str) -> None:
    with pytest.raises(SettingError) as caught:
        config.resolve(config.nest(words))
    assert caught.value.code == code
    assert says in str(caught.value)


@given(st.dictionaries(st.sampled_from(["lr", "clip", "warmup", "time"]), st.floats(0, 1e6)), st.integers(0, 2**63 - 1))
def test_toml_gives_the_same_settings_back(numbers: dict[str, float], seed: int) -> None:
    settings = config.resolve({**numbers, "seed": seed, "optimizer": {"name": "SGD", "momentum": 0.5}})
    assert config.resolve(tomllib.loads(config.to_toml(settings))) == settings


def test_recipes_are_complete_and_valid() -> None:
    assert set(config.recipes()) >= {"news", "news-tutorial", "digits", "digits-tutorial"}
    for name, recipe in config.recipes().items():
        task = recipe["settings"]["task"]
        settings = config.resolve(recipe["settings"], task=task)
        own = {key for key, field in Settings.model_fields.items() if config.belongs(field, task)}
        open_ones = {
            "target",
            "threshold",
            "test_fraction",
            "train_fraction",
            "workers",
            "decimal",
            "dates",
            *EXECUTION_SETTINGS,
        }
        assert {key for key in own if getattr(settings, key) is None} <= open_ones, name
        given_keys = set(recipe["settings"])
        # What belongs to a person's file or run.
        columns = {
            "delimiter",
            "encoding",
            "header",
            "text",
            "image",
            "features",
            "target",
            "label",
            "test_fraction",
            "train_fraction",
            "threshold",
            "sample_weight",
            "freeze",
            "rates",
            "vocabulary",
            "workers",
            "columns",
            "decimal",
            "dates",
            "labels",
            "checkpoint_every",
            "on_nonfinite",
            "calibrate",
            "baselines",
            *EXECUTION_SETTINGS,
        }
        assert given_keys | (columns & own) == own, name
        assert recipe["description"] and recipe["expected"], name


def test_a_setting_of_the_person_wins_over_the_recipe() -> None:
    base = config.recipe("news-tutorial")["settings"]
    settings = config.resolve(config.nest(["model.embedding=32", "lr=5"]), base)
    assert (settings.model.embedding, settings.model.weighting, settings.lr, settings.clip) == (32, "none", 5.0, 0.1)
    assert config.resolve({"model": "lstm"}, base).model.name == "lstm"


def test_every_setting_is_described() -> None:
    for row in config.rows():
        assert row.meaning and row.type and row.default, row.key


def test_the_name_of_a_column_may_hold_dots_and_blanks() -> None:
    words = ["columns.net.price=number", "columns.the zip=category", "model.hidden=8"]
    assert config.nest(words) == {"columns": {"net.price": "number", "the zip": "category"}, "model": {"hidden": "8"}}
    settings = config.resolve({"columns": {"a.b": "number"}, "decimal": "comma"}, {"columns": {"c": "date"}}, "table")
    assert settings.columns == {"c": "date", "a.b": "number"}
    assert config.resolve(tomllib.loads(config.to_toml(settings)), task="table") == settings
