"""The verbs of the command line that look at a training before it is made: data, first steps, whether more rows would help.

Annotations are not postponed here, as in ``cli``.
"""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import trainwright as tw
from trainwright import cli_output as output
from trainwright.cli_help import Verb
from trainwright.cli_look import SAID, AsJson
from trainwright.errors import error

before = typer.Typer(rich_markup_mode=None)
DATA, RUN = "Data", "Run"  # groups of options in --help
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.", rich_help_panel=DATA)]


@before.command(cls=Verb)
def inspect(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE [KEY=VALUE]...", help="A file, a folder, or a data set's name; then settings of train."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="A file with the test rows.", rich_help_panel=DATA)] = None,
    valid: Annotated[Path | None, typer.Option(help="A file with the validation rows.", rich_help_panel=DATA)] = None,
    out: Annotated[Path | None, typer.Option(help="Write it as a page into this file.", rich_help_panel=SAID)] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong with the data of SOURCE: copies, leaks, labels, garbage, drift, give-aways; nothing is trained."""
    from trainwright.cli_words import asked

    source, given = asked(words or [])
    if out is not None and out.suffix.lower() not in ("", ".html", ".htm"):
        hint = f"Write --out {shlex.quote(str(out.with_suffix('.html')))}."
        raise error("E318", problem=f"--out writes a page of HTML, and {out} does not end in .html", hint=hint)
    found = tw.inspect(source, test=test, valid=valid, offline=offline, **given)
    given_files = [word for flag, path in (("--test", test), ("--valid", valid)) if path for word in (flag, str(path))]
    _print_inspection(found, shlex.join(["trainwright", "inspect", *(words or []), *given_files]), out, as_json)


def _print_inspection(found: Any, command: str, out: Path | None, as_json: bool) -> None:
    """Print what was found in a data set by a ``command``, and write it as a page to ``out``. Raise E402."""
    if out is not None:
        from trainwright.store.atomic import write_out
        from trainwright.watch.inspected import inspected_page

        write_out(out, inspected_page.render(found, command))
    if as_json:
        output.print_json(found.to_json())
    elif out is not None:
        output.say(out)
    else:
        from trainwright.watch import words
        from trainwright.watch.inspected import inspected_text

        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        output.say(words.encodable("\n".join(inspected_text.lines(found, width)), sys.stdout.encoding))


@before.command(cls=Verb)
def check(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE [KEY=VALUE]...", help="What would be trained on; then settings, as `train` takes them."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="A file with the test rows.", rich_help_panel=DATA)] = None,
    valid: Annotated[Path | None, typer.Option(help="A file with the validation rows.", rich_help_panel=DATA)] = None,
    recipe: Annotated[str, typer.Option(help="Start from a recipe: a name, or a TOML file.", rich_help_panel=RUN)] = "",
    start: Annotated[Path | None, typer.Option("--from", help="Go on from the model of this run.", rich_help_panel=RUN)] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Look in seconds at a training before it begins: gradients, rate, labels, signal; what is likely wrong, and why."""
    from trainwright.cli_words import asked

    source, given = asked(words or [])
    with output.console(err=True) as console:
        found = tw.check(
            source, test=test, valid=valid, recipe=recipe, from_run=start, offline=offline,
            listen=lambda event: console.handle(event) if event.kind == "progress" else None, **given,
        )  # fmt: skip
    _print_checkup(source, found, as_json)


def _print_checkup(source: str, found: Any, as_json: bool) -> None:
    """Print what was looked at before a training. Raise E366 where something is likely wrong."""
    if as_json:
        findings = [each._asdict() for each in found.findings]
        checked = [each._asdict() for each in found.checked]
        output.print_json({"source": source, "checked": checked, "findings": findings})
    else:
        with output.console() as shown:
            for note in (*found.checked, *(each.note() for each in found.findings)):
                shown.handle(note)
            if found.passed:
                shown.line("nothing was found to be wrong")
    if not found.passed:
        names = ", ".join(each.name for each in found.findings)
        raise error("E366", source=source, names=names, mend=found.findings[0].mend)


@before.command("find-lr", cls=Verb)
def find_lr(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE [KEY=VALUE]...", help="What would be trained on; then settings, as `train` takes them."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="A file with the test rows.", rich_help_panel=DATA)] = None,
    valid: Annotated[Path | None, typer.Option(help="A file with the validation rows.", rich_help_panel=DATA)] = None,
    recipe: Annotated[str, typer.Option(help="Start from a recipe: a name, or a TOML file.", rich_help_panel=RUN)] = "",
    start: Annotated[Path | None, typer.Option("--from", help="Go on from the model of this run.", rich_help_panel=RUN)] = None,
    out: Annotated[Path | None, typer.Option(help="Draw the curve into this PNG file.", rich_help_panel=SAID)] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Draw it light on dark.", rich_help_panel=SAID)] = False,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Suggest a learning rate: train a copy for some updates at rising rates, and leave nothing of it."""
    from trainwright.cli_words import asked

    source, given = asked(words or [])
    if out is not None and out.suffix.lower() != ".png":
        hint = f"Write --out {shlex.quote(str(out.with_suffix('.png')))}."
        raise error("E318", problem=f"--out draws a PNG file, and {out} does not end in .png", hint=hint)
    found = tw.find_lr(source, test=test, valid=valid, recipe=recipe, from_run=start, offline=offline, **given)
    from trainwright.watch import rate_curve

    if out is not None:
        from trainwright.store.atomic import write_out

        write_out(out, rate_curve.picture(found, dark))
    if as_json:
        output.print_json(found)
        return
    for line in rate_curve.lines(found):
        output.say(line)
    if out is not None:
        output.say(out)


@before.command("learning-curve", cls=Verb)
def learning_curve(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE [KEY=VALUE]...", help="A file, a folder, or a data set's name; then settings."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="A file with the test rows, which stay unread.", rich_help_panel=DATA)
    ] = None,
    valid: Annotated[Path | None, typer.Option(help="A file with the validation rows.", rich_help_panel=DATA)] = None,
    recipe: Annotated[str, typer.Option(help="Start from a recipe: a name, or a TOML file.", rich_help_panel=RUN)] = "",
    parts: Annotated[str, typer.Option(help="Train on these parts of the rows: 0.1,0.2,0.4,1.", rich_help_panel=RUN)] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Draw each part so many times at most.", rich_help_panel=RUN)] = 4,
    out: Annotated[Path | None, typer.Option(help="The folder; the default is curves/NAME.", rich_help_panel=RUN)] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether more rows would help: train on parts of the rows, and say what twice as many would bring."""
    from trainwright.cli_words import asked

    source, given = asked(words or [])
    try:
        chosen = [float(part) for part in parts.split(",") if part.strip()]
    except ValueError:
        raise error("E318", problem=f"--parts takes numbers with commas between, and '{parts}' is none") from None
    with output.console(err=True) as console:
        found = tw.learning_curve(
            source, test=test, valid=valid, recipe=recipe, parts=chosen, repeats=repeats, out=out, offline=offline,
            listen=console.handle, **given,
        )  # fmt: skip
    _print_curve(found, as_json)


def _print_curve(found: dict[str, Any], as_json: bool) -> None:
    """Print a learning curve as a table, and what more rows would bring."""
    if as_json:
        output.print_json({key: value for key, value in found.items() if key != "line"})
        return
    from trainwright.watch.learning_curve import lines

    for line in lines(found):
        output.say(line)
    output.say(found["files"][-1])
