"""From a source of running text to the text of each split, and what a person should know about it."""

from __future__ import annotations

from trainwright.config.settings import Settings
from trainwright.data.read import archive_sets, running_text
from trainwright.data.read.catalog_entries import ArchiveLayout
from trainwright.data.read.infer_task import Evidence
from trainwright.data.read.source import Source
from trainwright.data.tables.split import NAMES
from trainwright.errors import error
from trainwright.watch.events import Note

LONG_LINE = 40  # characters; a line of so many that is found again is no accident


def looks_like(seen: Evidence) -> str:
    """Return why a source holds running text; "" where it does not."""
    return "running text, without labels" if seen.source.form == "running text" else ""


def read(source: Source, settings: Settings) -> tuple[dict[str, str], dict[str, list[str]], list[Note]]:
    """The text of each split, its files, and notes."""
    notes: list[Note] = []
    if source.dataset and isinstance(source.dataset.layout, ArchiveLayout):
        given = {name: path for name, path in source.files.items() if name != "archive"}
        texts = dict(archive_sets.wikitext(source.files["archive"]))
        texts |= {name: running_text.read_text([path], notes) for name, path in given.items()}
        files = {name: [str(path)] for name, path in source.files.items()}
    elif not source.files:
        texts, files = {"train": running_text.embedded()}, {}
    else:
        if source.path is not None:
            found = running_text.find_corpus(source.path, source.files.get("valid"), source.files.get("test"))
            paths, notes = found.files, list(found.notes)
        else:
            paths = {name: [path] for name, path in source.files.items()}
        texts = {name: running_text.read_text(each, notes) for name, each in paths.items()}
        files = {name: [str(path) for path in each] for name, each in paths.items()}
    fractions = {
        name: 0.0 if name in texts else 0.05 if given is None else given
        for name, given in (("valid", settings.valid_fraction), ("test", settings.test_fraction))
    }
    if "test" in texts and settings.test_fraction:
        raise error("E222", file=files.get("test", [source.name])[0])
    if sum(fractions.values()) >= 1:
        raise error("E302", key="valid_fraction", value=fractions["valid"], problem="nothing is left for training")
    cut = running_text.cut(texts["train"], fractions["valid"], fractions["test"], ", ".join(files.get("train", [])))
    named = ", ".join(name for name in texts if name != "train")
    shares = [f"the {share:.3g} {'after it' if name == 'valid' else 'at the end'} for {name}"
              for name, share in fractions.items() if share]  # fmt: skip
    why = "; ".join(filter(None, [f"{named} given" if named else "", ", ".join(shares)]))
    texts |= cut
    sizes = ", ".join(f"{name} {len(texts[name]):,}" for name in NAMES if name in texts)
    return {name: texts[name] for name in NAMES if name in texts}, files, [*notes, Note("split", f"{sizes} characters", why)]


def repeated_lines(texts: dict[str, str]) -> dict[str, int]:
    """Of valid and test, the long lines that are also lines of the training text."""
    seen = {line for line in texts["train"].split("\n") if len(line) >= LONG_LINE}
    return {name: sum(line in seen for line in text.split("\n")) for name, text in texts.items() if name != "train"}
