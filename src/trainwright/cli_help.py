"""What ``--help`` says beside the options: the verbs in groups, and examples of each, to be copied as they are."""

from __future__ import annotations

import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from trainwright.errors import error

if TYPE_CHECKING:
    from collections.abc import Iterable

GREETING = """\
Trainwright trains PyTorch models on your own data: texts, images, tables or running text, from a file on disk to a
trained, evaluated, saved and usable model. Three commands to try:

  trainwright train digits                   train on a data set that is here already
  trainwright train reviews.csv epochs=5     train on a file or folder of your own
  trainwright predict runs/digits-1 a.png    ask the model of a run

`trainwright --help` lists every command, `trainwright COMMAND --help` has examples, `trainwright settings` lists what
can be set."""

EXAMPLES = {
    "train": (
        "trainwright train reviews.csv",
        "trainwright train photos/ model=resnet epochs=20 --out runs/photos",
        "trainwright train houses.csv label=price target=number",
        "trainwright train train.csv --test test.csv --recipe news-tutorial",
        "trainwright train more.csv --from runs/reviews-1",
        "trainwright train reviews.csv --fix labels.csv",
        "trainwright train reviews.csv --track tensorboard",
        "trainwright train reviews.csv --seeds 5",
    ),
    "check": ("trainwright check reviews.csv", "trainwright check photos/ lr=0.3 --json"),
    "find-lr": ("trainwright find-lr reviews.csv", "trainwright find-lr photos/ model=resnet --out rates.png"),
    "learning-curve": (
        "trainwright learning-curve reviews.csv",
        "trainwright learning-curve photos/ model=resnet epochs=5 --parts 0.1,0.2,0.4 --out curve",
    ),
    "inspect": (
        "trainwright inspect reviews.csv",
        "trainwright inspect photos/ --out photos.html",
        "trainwright inspect train.csv --test test.csv --json",
    ),
    "resume": ("trainwright resume runs/reviews-1", "trainwright resume runs/reviews-1 epochs=20 patience=3"),
    "verify": ("trainwright verify runs/reviews-1",),
    "replay": ("trainwright replay runs/reviews-1 --out runs/again",),
    "evaluate": ("trainwright evaluate runs/reviews-1", "trainwright evaluate runs/reviews-1 labelled.csv --json"),
    "predict": (
        'trainwright predict runs/reviews-1 "a fine film"',
        "trainwright predict runs/reviews-1 new.csv --out answers.csv",
        "trainwright predict runs/reviews-1 - --top 3 < lines.txt",
        "trainwright predict runs/photos-1 holiday/ cat.jpg",
        "trainwright predict runs/reviews-1 new.csv --sure 0.97",
        'trainwright predict runs/houses-1 "rooms=3 city=Bern" --interval 0.9',
        "trainwright predict runs/reviews-1 --text node.csv",
    ),
    "generate": ('trainwright generate runs/novel-1 --prompt "It was" --tokens 100 --temperature 0.8',),
    "explain": (
        'trainwright explain runs/reviews-1 "a fine film" --truth good',
        "trainwright explain runs/photos-1 cat.jpg --html cat.html",
    ),
    "settings": ("trainwright settings", "trainwright settings batch"),
    "recipes": ("trainwright recipes", "trainwright recipes show news-tutorial"),
    "show": ("trainwright recipes show news-tutorial",),
    "completion": (
        'eval "$(trainwright completion bash)"     # in ~/.bashrc',
        'eval "$(trainwright completion zsh)"      # in ~/.zshrc',
        "trainwright completion fish | source      # in ~/.config/fish/config.fish",
    ),
    "report": ("trainwright report runs/reviews-1",),
    "plots": ("trainwright plots runs/reviews-1",),
    "mistakes": ("trainwright mistakes runs/reviews-1 --top 5", "trainwright mistakes runs/reviews-1 --csv > mistakes.csv"),
    "compare": ("trainwright compare runs/reviews-1 runs/reviews-2", "trainwright compare runs/reviews-* --top 0"),
    "suspects": (
        "trainwright suspects runs/reviews-1",
        "trainwright suspects runs/reviews-1 --out labels.csv     # edit its column label, then train with --fix labels.csv",
    ),
    "story": ("trainwright story runs/reviews-1 --out story.html",),
    "landscape": ("trainwright landscape runs/reviews-1 --size 21", "trainwright landscape --toy"),
    "runs": ("trainwright runs", "trainwright runs experiments --json"),
    "watch": ("trainwright watch", "trainwright watch runs/reviews-1 --port 8000"),
    "cache": ("trainwright cache", "trainwright cache --json", "trainwright cache clear"),
    "clear": ("trainwright cache clear", "trainwright cache clear --downloads"),
}
GROUPS = {
    "Train": ("inspect", "check", "find-lr", "train", "resume", "learning-curve"),
    "Use a model": ("predict", "evaluate", "generate", "explain"),
    "Look at runs": ("runs", "report", "compare", "mistakes", "suspects", "watch", "story", "landscape", "plots"),
    "Prove a run": ("verify", "replay"),
    "What can be said": ("settings", "recipes", "completion"),
    "What is kept": ("cache",),
}


PLACES = (
    "--out",
    "--test",
    "--valid",
    "--from",
    "--recipe",
    "--source",
    "--fix",
    "--png",
    "--html",
)  # flags that name a file or folder


class Verb(TyperCommand):
    """A verb whose options stand in groups (``rich_help_panel``), with its examples below."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words. Raise E169 for a flag with an empty name, which as a path would be the current folder."""
        for flag, value in pairwise([*args, "-"]):
            if (flag in PLACES and not value) or (flag.endswith("=") and flag[:-1] in PLACES):
                raise error("E169", what=f"{flag.removesuffix('=')} ''", why="it is empty")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then each group of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            argument = each.param_type_name == "argument"
            if record := each.get_help_record(ctx):
                groups.setdefault("Arguments" if argument else getattr(each, "rich_help_panel", "") or "Options", []).append(
                    record
                )
        last = groups.pop("Options", [])
        for title, records in [*groups.items(), ("Options", last)]:
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(EXAMPLES[ctx.info_name], formatter)


class Verbs(TyperGroup):
    """Verbs in groups, each with its first sentence in full."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each group of verbs; all in one where they have none, as below a verb."""
        groups = GROUPS if "train" in self.commands else {"Commands": tuple(self.commands)}
        for title, names in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(1000)) for name in names])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples of what is a verb by itself too."""
        _write_examples(EXAMPLES.get(ctx.info_name, ()), formatter)


def _write_examples(lines: Iterable[str], formatter: Any) -> None:
    if lines:
        with formatter.section("Examples"):
            formatter.write(textwrap.indent("\n".join(lines), " " * formatter.current_indent) + "\n")
