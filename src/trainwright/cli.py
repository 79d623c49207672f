"""The command line: parse, call the public verbs, print. It says with which code the process ends.

Annotations are not postponed here: typer evaluates those that are strings, and that takes a tenth of the time of --help.
"""

import errno
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import trainwright as tw
from trainwright import cli_output as output
from trainwright.cli_before import DATA, RUN, Offline, before
from trainwright.cli_cache import cache
from trainwright.cli_help import GREETING, Verb, Verbs
from trainwright.cli_look import SAID, AsJson, Moved, Spreadsheet, look
from trainwright.cli_scores import print_looks, print_scores, print_seeds
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.startup import OUTPUT, leave, prepare_process

app = typer.Typer(
    name="trainwright",
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,  # `trainwright completion` knows the settings too
    rich_markup_mode=None,  # plain help: rich takes longer to import than the help to read
    pretty_exceptions_enable=False,
)

app.add_typer(before)
app.add_typer(look)
app.add_typer(cache, name="cache")


@app.callback()
def greet(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False
) -> None:
    """Train a model on your own data: from a file on disk to a trained, evaluated, saved and usable model."""
    if version:
        output.say(f"trainwright {tw.__version__}")
        raise typer.Exit
    if not context.invoked_subcommand:
        output.say(GREETING)


Quiet = Annotated[
    bool, typer.Option("--quiet", help="Say nothing but the run and its score, in one line.", rich_help_panel=SAID)
]


@app.command(cls=Verb)
def train(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE [KEY=VALUE]...", help="A file, a folder, or a data set's name; then settings."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="A file with the test rows.", rich_help_panel=DATA)] = None,
    valid: Annotated[Path | None, typer.Option(help="A file with the validation rows.", rich_help_panel=DATA)] = None,
    recipe: Annotated[str, typer.Option(help="Start from a recipe: a name, or a TOML file.", rich_help_panel=RUN)] = "",
    start: Annotated[Path | None, typer.Option("--from", help="Go on from the model of this run.", rich_help_panel=RUN)] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; the default is runs/NAME-N.", rich_help_panel=RUN)] = None,
    fix: Annotated[
        Path | None, typer.Option(help="A table of corrected labels, as `suspects --out` writes it.", rich_help_panel=DATA)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what the same words began, where there is any.", rich_help_panel=RUN)
    ] = False,
    track: Annotated[
        str, typer.Option(help="Tell a tracker too: tensorboard, mlflow, wandb or trackio.", rich_help_panel=RUN)
    ] = "",
    seeds: Annotated[int, typer.Option(min=0, help="Train with so many seeds: mean and spread.", rich_help_panel=RUN)] = 0,
    offline: Offline = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train on SOURCE: columns, split, model and settings are derived, and said."""
    from trainwright.cli_words import asked

    source, given = asked(words or [])
    with output.console(as_json, quiet) as console:
        wanted: dict[str, Any] = {
            "test": test,
            "valid": valid,
            "recipe": recipe,
            "from_run": start,
            "out": out,
            "resume": resume,
            "track": track,
        }
        wanted |= {"fix": fix, **given}
        if seeds:
            found = tw.train_seeds(source, seeds, offline=offline, listen=console.handle, **wanted)
            print_seeds(found, console, as_json)
            return
        run = tw.train(source, offline=offline, listen=console.handle, **wanted)
        output.print_run(run, console, as_json, quiet)
        if not quiet and not as_json:
            print_looks(run, console)


@app.command(cls=Verb)
def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="What may change: epochs, steps, time, patience ..."),
    ] = None,
    source: Moved = "",
    offline: Offline = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was stopped or killed, or extend one that has ended (epochs=20)."""
    from trainwright.cli_words import in_pieces
    from trainwright.config.resolve import nest

    if any("=" not in word.strip("=") for word in words or []) and (broken := in_pieces(words or [])):
        raise broken
    with output.console(as_json, quiet) as console:
        found = tw.resume(run, source=source, offline=offline, listen=console.handle, **nest(words or []))
        output.print_run(found, console, as_json, quiet)


@app.command(cls=Verb)
def verify(run: Annotated[Path, typer.Argument(help="A run folder.")], source: Moved = "", as_json: AsJson = False) -> None:
    """Prove that a run is as it was written: every byte, and every score of its report measured again."""
    with output.console(err=True) as console:
        proof = tw.verify(run, source=source, listen=lambda event: console.handle(event) if event.kind == "progress" else None)
    output.print_proof(run, proof, as_json)


@app.command(cls=Verb)
def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run that has ended.")],
    source: Moved = "",
    out: Annotated[Path | None, typer.Option(help="Keep the second run here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train again from the settings of a run, and compare the weights bit by bit."""
    with output.console(as_json) as console:
        proof = tw.replay(run, source=source, out=out, listen=console.handle)
    output.print_proof(run, proof, as_json)


@app.command(cls=Verb)
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE] [KEY=VALUE]...",
            help="A labelled file; without it, the test scores of the run. How it is written, where it is not as in training.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a run's model on a labelled file."""
    from trainwright.cli_words import how_written, refuse_settings
    from trainwright.config.resolve import nest

    sources, said = how_written(words or [])
    refuse_settings("evaluate", sources, ("json",))
    if len(sources) > 1:
        raise error("E318", problem=f"one file is measured at a time, not {len(sources)}: {', '.join(sources[:3])}")
    opened, source = tw.load(run), sources[0] if sources else None
    scores = tw.evaluate(opened, source, **nest(said))
    if as_json:
        output.print_json({"run": str(run), **scores})
        return
    if source is None:
        output.print_report(run, opened.report)
    else:
        print_scores(run, opened.report, str(source), scores)


@app.command(cls=Verb)
def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT... | FILE... [KEY=VALUE]... | -",
            help="Texts, a file, images and folders, or - for lines of standard input. How a file is written, where it is not "
            "as in training: delimiter, encoding, header, decimal, dates.",
        ),
    ],
    top: Annotated[int, typer.Option(min=0, help="Show so many labels; 0 = one, and all with --json.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write a file's predictions here, as CSV.")] = None,
    sure: Annotated[
        float | None,
        typer.Option(help="Answer only where answers are right so often, such as 0.97; the rest goes to a person."),
    ] = None,
    interval: Annotated[
        float | None, typer.Option(help="Of a number, also the interval that holds the truth so often, such as 0.9.")
    ] = None,
    spreadsheet: Spreadsheet = False,
    as_text: Annotated[bool, typer.Option("--text", help="The words are texts, also where they look like files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Label texts, images, the rows of a file, or the lines of standard input."""
    from trainwright.cli_words import how_written, refuse_missing, refuse_settings
    from trainwright.data.files.virtual import as_path

    predictor = tw.load(run).predictor
    from trainwright.tasks import certainty  # arrays are imported with the model

    top = top or (max(len(predictor.labels), 1) if as_json else 1)
    if as_text and predictor.item != "text":
        raise error("E318", problem=f"--text is for a model of texts; this one takes a {predictor.item}")
    words, said = (inputs, []) if as_text else how_written(inputs)
    named = [] if as_text or words == ["-"] else [word for word in words if predictor.takes_file(word)]
    if predictor.item == "text" and not as_text and words != ["-"]:
        refuse_missing(run, named, words)
    files = list(map(as_path, named))
    if files and len(files) == len(words) and (len(files) == 1 or predictor.many_files):
        if as_json and out is not None:
            raise error("E318", problem="--out writes CSV; --json goes to standard output")
        from trainwright.config.resolve import nest

        written = predictor.written(nest(said), "predict", files[0])
        found = certainty.of_file(predictor, written.predict_file(*files, top=top), sure, interval)
        output.print_file_answers(predictor.item, found, top, out, as_json, spreadsheet)
        return
    if out is not None:
        raise error("E318", problem="--out is for the rows of a file")
    if (
        not as_text and inputs != ["-"] and (predictor.item != "row" or files)
    ):  # a row is written as its columns: time=3 label=a
        refuse_settings("predict", inputs, ("top", "out", "sure", "interval", "json"))
    items = _lines() if inputs == ["-"] and not as_text else inputs
    answers = predictor.predict(items, top)
    enough, far = certainty.answered(predictor, answers, sure), certainty.reach(predictor, interval)
    output.print_answers(predictor.item, items, answers, as_json, enough, far)
    for note in certainty.unsure(enough, sure, [f"{predictor.item} {place}" for place in range(1, len(answers) + 1)]):
        output.say(note, err=True)


@app.command(cls=Verb)
def generate(
    run: Annotated[Path, typer.Argument(help="The run folder of a language model.")],
    prompt: Annotated[str, typer.Option(help="The text to go on from.")] = "",
    tokens: Annotated[int, typer.Option(min=0, help="How many tokens.")] = 200,
    temperature: Annotated[float, typer.Option(min=0, help="Below 1 surer, above 1 wilder; 0 = always the likeliest.")] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Only the so many likeliest; 0 = all.")] = 0,
    top_p: Annotated[float, typer.Option(min=0, max=1, help="Only the likeliest that make up this probability.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed, another text.")] = 0,
) -> None:
    """Go on with a text; it appears as it is made."""
    pieces = tw.generate(run, prompt, tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    output.say(prompt, end="")
    for piece in pieces:
        output.say(piece, end="")
        sys.stdout.flush()
    output.say()


def _lines() -> list[str]:
    """Return the lines of standard input, whatever its encoding."""
    from trainwright.data.files.encoding import decode, encoding_of

    try:
        data = sys.stdin.buffer.read()
    except OSError as problem:
        raise error("E102", path="-", why=problem.strerror or problem) from None
    text = decode(data, encoding_of([data], Path("-"))[0], Path("-")).removeprefix("\ufeff").replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []


@app.command(cls=Verb)
def settings(name: Annotated[str, typer.Argument(help="Show only the settings whose key contains this.")] = "") -> None:
    """List every setting: key, type, default, unit and meaning."""
    found = [row for row in tw.settings() if name in row.key]
    if not found:
        raise error("E301", key=name, hint=nearest(name, [row.key for row in tw.settings()]))
    lines = []
    for row in found:
        unit = f" [{row.unit}]" if row.unit else ""
        only = f" ({row.tasks.replace(' ', ', ')} only)" if row.tasks else ""
        lines.append((row.key, row.type, row.default, f"{row.meaning}{unit}{only}"))
    output.print_table(lines)


recipes_app = typer.Typer(cls=Verbs, help="List the recipes, or show one.", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(recipes_app, name="recipes")


@recipes_app.callback()
def recipes(context: typer.Context) -> None:
    """List the recipes."""
    if context.invoked_subcommand:
        return
    for name, recipe in tw.recipes().items():
        output.say(f"{name:<16} {recipe['description']}")


@recipes_app.command("show", cls=Verb)
def show_recipe(name: Annotated[str, typer.Argument(help="The recipe's name.")]) -> None:
    """Print a recipe: a settings file with the result to expect."""
    from trainwright.config.resolve import recipe_text

    output.say(recipe_text(name), end="")


@app.command(cls=Verb)
def completion(
    context: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish")],
    words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Print what makes a shell complete commands, flags and settings."""
    from trainwright.cli_completion import SCRIPTS, candidates

    if shell not in SCRIPTS:
        raise error("E310", setting="shell", name=shell, choices=list(SCRIPTS), hint=nearest(shell, SCRIPTS))
    commands = context.parent.command.commands  # type: ignore[union-attr]
    output.say(SCRIPTS[shell] if words is None else "\n".join(candidates(commands, words)))


def main() -> None:
    """Run the command line. A problem that a person can mend is one message and exit code 2 (3: training was refused)."""
    prepare_process()
    try:
        code = app(prog_name="trainwright", standalone_mode=False)  # an interrupted command comes back as its exit code
        if isinstance(code, int) and code:
            leave("interrupted" if code == 130 else "", code)
        sys.stdout.flush()
    except TrainwrightError as problem:
        leave(str(problem), problem.exit_code)
    except KeyboardInterrupt:
        leave("interrupted", 130)
    except SystemExit as ended:  # SIGTERM, SIGHUP; typer makes one of a pipe that was closed
        piped = isinstance(ended.__context__, BrokenPipeError)
        leave("", 141 if piped else ended.code if isinstance(ended.code, int) else 1)
    except BrokenPipeError:
        leave("", 141)
    except OSError as problem:
        if problem.filename == OUTPUT or problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            leave(str(error("E402", path=problem.filename or "a file", problem=problem.strerror)), 2)
        if problem.filename is None:
            raise
        leave(str(error("E102", path=problem.filename, why=problem.strerror)), 2)
    except Exception as problem:
        if not hasattr(problem, "format_message"):
            raise
        from trainwright.cli_words import refusal

        leave(str(refusal(problem, sys.argv[1:])), 2)
    leave("", 0)
