"""The verb of the command line that sees and empties the cache.

Annotations are not postponed here, as in ``cli``.
"""

from typing import Annotated

import typer

import trainwright as tw
from trainwright import cli_output as output
from trainwright.cli_help import Verb, Verbs
from trainwright.cli_look import AsJson

cache = typer.Typer(
    cls=Verbs, help="List what the cache keeps, or empty it.", invoke_without_command=True, rich_markup_mode=None
)


@cache.callback()
def listed(context: typer.Context, as_json: AsJson = False) -> None:
    """List encoded data and downloaded data sets: from which source, how large, when last used."""
    if context.invoked_subcommand:
        return
    found = tw.cache()
    if as_json:
        output.print_json({"cache": found})
    else:
        output.print_cache(found)


@cache.command(cls=Verb)
def clear(
    downloads: Annotated[bool, typer.Option("--downloads", help="Remove the downloaded data sets as well.")] = False,
) -> None:
    """Remove the encoded data; the next training on their source encodes again. Downloads stay."""
    from trainwright.watch import words

    output.say(f"removed {words.amount(tw.clear_cache(downloads), 'bytes')}")
