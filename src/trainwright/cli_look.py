"""The verbs of the command line that look at runs: what they came to, and where they go wrong.

Annotations are not postponed here, as in ``cli``.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

import trainwright as tw
from trainwright import cli_output as output
from trainwright.cli_help import Verb
from trainwright.cli_output import print_json
from trainwright.cli_scores import print_comparison, print_looks_of
from trainwright.errors import error, shell_word
from trainwright.plain_files import made_sense_of

look = typer.Typer(rich_markup_mode=None)
SAID = "What is said"  # a group of options in --help
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object as the last line of standard output.", rich_help_panel=SAID)
]
Spreadsheet = Annotated[
    bool, typer.Option("--spreadsheet", help="In CSV, put ' before what a spreadsheet would run as a formula.")
]
Moved = Annotated[str, typer.Option("--source", help="Where the data are now, where they have moved.")]


@look.command(cls=Verb)
def report(run: Annotated[Path, typer.Argument(help="A run folder.")], as_json: AsJson = False) -> None:
    """Say again what a run came to: scores, baseline, mistakes, effort; of one that has not ended, how far it is."""
    opened = tw.load(run)
    if not (as_json or opened.folder.has_report()):
        from trainwright.watch import record
        from trainwright.watch.report import diagnosis

        with made_sense_of(run):
            young = record.so_far(record.read(run))
            told = [diagnosis.standing(young), *diagnosis.findings(young), f"Draw it: trainwright plots {shell_word(run)}"]
        if young.started:
            output.say("\n".join(told))
            return
    if as_json:
        output.print_json(opened.report)
    else:
        output.print_report(run, opened.report)


@look.command(cls=Verb)
def plots(run: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Draw the plots and the page of a run again."""
    from trainwright.store import seal
    from trainwright.store.run_folder import open_run
    from trainwright.watch.plots import draw

    drawn = draw(open_run(run, fit_too=True).path)
    if not drawn:
        raise error("E405", path=run, missing="step to draw")
    seal.renew(run, drawn)
    for path in drawn:
        output.say(path)


@look.command(cls=Verb)
def mistakes(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    top: Annotated[int, typer.Option(min=1, help="Show so many.")] = 20,
    source: Moved = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table in CSV.")] = False,
    spreadsheet: Spreadsheet = False,
    as_json: AsJson = False,
) -> None:
    """Show the worst answers on the test rows, each with its input."""
    found = tw.mistakes(run, top, source=source)
    if as_json:
        print_json({"run": str(run), "mistakes": found})
    elif as_csv:
        output.say(output.as_csv(found, spreadsheet), end="")
    else:
        from trainwright.watch import record
        from trainwright.watch.report import panels

        with made_sense_of(run):
            loss = panels.loss_named(record.read(run))
        output.print_mistakes(found, loss)


@look.command(cls=Verb)
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Run folders; each is compared with the first.")],
    top: Annotated[int, typer.Option(min=0, help="Show so many of the rows that got better, and worse.")] = 5,
    source: Moved = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows that changed as a table in CSV.")] = False,
    spreadsheet: Spreadsheet = False,
    as_json: AsJson = False,
) -> None:
    """Say whether a run is better than another, or within noise: the difference with its interval, and which rows changed."""
    found = tw.compare(*runs, top=top, source=source)
    if as_json:
        print_json(found)
    elif as_csv:
        rows = [{"run": each["run"], **row} for each in found["compared"] for row in each["changed"]]
        output.say(output.as_csv(rows, spreadsheet), end="")
    else:
        print_comparison(found)


@look.command(cls=Verb)
def suspects(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    top: Annotated[int, typer.Option(min=0, help="Find so many; 0 = as many as are probably wrong.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Cut the training rows into so many parts; fewer are faster.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Write them to this file, as CSV, to be edited for train --fix.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Keep there what each training says, and the page; the default is suspects/NAME.")
    ] = None,
    source: Moved = "",
    spreadsheet: Spreadsheet = False,
    as_json: AsJson = False,
) -> None:
    """Find the rows whose labels are probably wrong, each judged by a model that never saw it."""
    from trainwright.store.atomic import holds_something, write_out

    if out is not None and holds_something(out):
        raise error("E499", path=out)
    with output.console(err=True) as console:
        found = tw.suspects(run, top, folds=folds, folder=folder, source=source, listen=console.handle)
    if out is not None:
        from trainwright.run.suspects import COLUMNS, to_fix

        if holds_something(out):  # somebody wrote it meanwhile
            raise error("E499", path=out)
        write_out(out, output.as_csv(to_fix(found), spreadsheet, COLUMNS))
    output.print_suspects(found, top, out, as_json)


@look.command(cls=Verb)
def story(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    out: Annotated[Path | None, typer.Option(help="Write to this file; the default is story.html in the run folder.")] = None,
) -> None:
    """Tell a run as a film in one HTML file, to be opened in a browser."""
    output.say(tw.story(run, out))


@look.command(cls=Verb)
def landscape(
    run: Annotated[Path | None, typer.Argument(help="A run folder; none with --toy.")] = None,
    size: Annotated[int, typer.Option(help="Points along each axis, an odd number.")] = 41,
    span: Annotated[float, typer.Option(help="How far random directions reach, in lengths of the network's filters.")] = 1.0,
    rows: Annotated[int, typer.Option(help="Measure on so many validation rows at most.")] = 10_000,
    out: Annotated[Path | None, typer.Option(help="Write here; the default is landscape/ in the run.")] = None,
    source: Moved = "",
    toy: Annotated[bool, typer.Option("--toy", help="Draw optimisers on the surfaces of textbooks; without a run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the loss surface around a run's parameters, with the path of its training."""
    if toy is (run is not None):
        raise error("E318", problem="either a run is drawn, or --toy")
    if run is None:
        from trainwright.run.landscape import toy as draw_toy

        found = draw_toy(out or Path("landscape-toy"))
    else:
        with output.console(err=True) as console:
            found = tw.landscape(run, size=size, span=span, rows=rows, out=out, source=source, listen=console.handle)
    output.print_landscape(found, as_json)


@look.command(cls=Verb)
def runs(
    folder: Annotated[Path, typer.Argument(help="The folder that holds the runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder as a table."""
    found = tw.runs(folder)
    if as_json:
        output.print_json({"runs": found, "looks": tw.looks(folder)})
    elif found:
        output.print_runs(found)
        print_looks_of(tw.looks(folder))
    else:
        output.say(f"no runs in {folder}", err=True)


@look.command(cls=Verb)
def explain(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    item: Annotated[str, typer.Argument(metavar="INPUT", help='A text, an image, or a row: "age=63 sex=2".')],
    truth: Annotated[str, typer.Option(help="The right answer; without it the model's own is taken for it.")] = "",
    png: Annotated[Path | None, typer.Option(help="Draw it into this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write it as a page into this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the way of one input: what it becomes, what speaks for the answer, the loss, and the update it would cause."""
    opened = tw.load(run)
    predictor = opened.predictor
    if not predictor.many_files and predictor.takes_file(item):
        raise error("E318", problem=f"explain takes one {predictor.item}, and '{item}' is a file")
    found = tw.explain(opened, item, truth)
    if png is not None:
        from trainwright.watch.explained import explained_figure
        from trainwright.watch.figures import figures

        output.write_beside(run, png, figures.png(explained_figure.figure(found)))
    if html is not None:
        from trainwright.watch.explained import explained_page

        output.write_beside(run, html, explained_page.render(found, item).encode())
    if as_json:
        print_json({"run": str(run), "input": item, **found.to_json()})
    else:
        output.print_lines(found, brief=png is not None or html is not None)


@look.command(cls=Verb)
def watch(
    path: Annotated[Path, typer.Argument(metavar="[RUN|FOLDER]", help="A run, or a folder of runs.")] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 = a free one.")] = 0,
    open: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Watch runs on a live page while they train, and compare them; Ctrl-C ends it."""
    from trainwright.look import watch as serve

    os.nice(15)  # trainings go first
    serve(path, port=port, open=open)
