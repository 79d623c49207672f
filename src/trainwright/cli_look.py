"""The verbs of the command line that look at runs: what they came to, and where they go wrong.

Annotations are not postponed here, as in ``cli``.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

import trainwright as tw
from trainwright import cli_output as output
from trainwright.cli_output import print_json
from trainwright.errors import error

look = typer.Typer(rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object as the last line of standard output.")]
Moved = Annotated[str, typer.Option("--source", help="Where the data are now, where they have moved.")]


@look.command()
def report(run: Annotated[Path, typer.Argument(help="A run folder.")], as_json: AsJson = False) -> None:
    """Say again what a run came to: scores, baseline, mistakes, effort."""
    found = tw.load(run).report
    if as_json:
        output.print_json(found)
    else:
        output.open_console().report(found)


@look.command()
def plots(run: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Draw the plots and the page of a run again."""
    from trainwright.store import seal
    from trainwright.store.run_folder import open_run
    from trainwright.watch.plots import draw

    try:
        drawn = draw(open_run(run).path)
    except OSError as problem:
        raise error("E402", path=run, problem=problem.strerror or problem) from None
    seal.renew(run, drawn)
    for path in drawn:
        typer.echo(str(path))


@look.command()
def mistakes(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    top: Annotated[int, typer.Option(min=1, help="Show so many.")] = 20,
    source: Moved = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table in CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the worst answers on the test rows, each with its input."""
    found = tw.mistakes(run, top, source=source)
    if as_json:
        print_json({"run": str(run), "mistakes": found})
    elif as_csv:
        output.print_csv(found)
    else:
        output.print_mistakes(found)


@look.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="The folder that holds the runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder as a table."""
    found = tw.runs(folder)
    if as_json:
        output.print_json({"runs": found})
    elif found:
        output.print_runs(found)
    else:
        typer.echo(f"no runs in {folder}", err=True)


@look.command()
def watch(
    path: Annotated[Path, typer.Argument(metavar="[RUN|FOLDER]", help="A run, or a folder of runs.")] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 = a free one.")] = 0,
    open: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Watch runs on a live page while they train, and compare them; Ctrl-C ends it."""
    os.nice(15)  # trainings go first
    tw.watch(path, port=port, open=open)
