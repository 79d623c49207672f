"""An explanation as lines for a terminal: coloured where there are colours, with signs and bars that say the same without.

What comes from the data is cleaned: no character of it can command the terminal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trainwright.watch import words
from trainwright.watch.explained.explanation import ClassScore, Explanation, Piece, Unit

Part = tuple[str, str]  # a text, and its style as rich names it
FOR, AGAINST = "cyan", "dark_orange3"
UNITS, CLASSES, TOKENS, LONGEST = 12, 10, 10, 2000  # of each that are shown; characters of a text
BAR, FACT = 24, 12  # cells
NOTHING = "none: the loss is at its least, as there is nothing to learn from an answer that is taken for the truth"


def lines(found: Explanation, width: int = 100) -> Iterator[list[Part]]:
    """Yield the lines, each as texts with their styles."""
    yield from heading(found)
    yield from taken_in(found)
    yield from _tokens(found, width)
    yield from _reasons(found, width)
    yield from to_probabilities(found)
    yield from _loss(found)
    yield from update(found)


def signed(value: float, digits: int = 4) -> str:
    """Write a number with its sign."""
    return f"{'-' if value < 0 else '+'}{words.number(abs(value), digits)}"


def truth_of(found: Explanation) -> str:
    """Say what is taken for the truth, and whether it was given."""
    if not found.given:
        return "no truth is given, so the loss takes the answer for it"
    right = label_of(found, found.truth, 60)
    return f"the truth is {right}, as it was answered" if found.truth == found.answer else f"the truth is {right}"


def compared(found: Explanation) -> str:
    """Say what a weight above and below 0 means."""
    if found.target:
        return f"above 0 makes {words.clip(found.target, 40)} larger, below 0 smaller"
    return f"above 0 speaks for {words.clip(found.answer, 40)}, below 0 for {words.clip(found.against, 40)}, in logits"


def strength(weight: float, largest: float) -> int:
    """Return how strong a weight is among others: 0 for next to nothing, to 3."""
    share = abs(weight) / largest if largest else 0.0
    return sum(share >= least for least in (0.08, 0.3, 0.65))


def net(found: Explanation, unit: Unit) -> float:
    """Return what a unit adds to the answer less what it adds to the class that it is weighed against; or to the number."""
    return unit.parts[0] - (unit.parts[1] if len(unit.parts) > 1 else 0.0)


def by_word(pieces: Sequence[Piece]) -> list[tuple[str, float]]:
    """Return the words of a text, each once with the sum of its weights, the largest (without its sign) first."""
    sums: dict[str, float] = {}
    for piece in pieces:
        if piece.weight:
            sums[piece.text.lower()] = sums.get(piece.text.lower(), 0.0) + piece.weight
    return sorted(sums.items(), key=lambda pair: -abs(pair[1]))


def sums_to(found: Explanation) -> str:
    """Say how the weights of all units come to the answer's lead, or to the number."""
    first, second = (*found.sums, None)[:2]
    if first is None:
        return ""
    if second is None or found.target:
        rest = f" {signed(first.rest)} that this does not explain" if not exact(found) else ""
        start = "the start" if not exact(found) else "the bias"
        return f"{start} {words.number(first.start)} {signed(first.parts)}{rest} = {words.number(first.total)}"
    parts, bias, total = first.parts - second.parts, first.start - second.start, first.total - second.total
    rest = f"bias {signed(bias)}" if exact(found) else f"{signed(total - parts - bias)} that this does not explain"
    lead = f"the logit of {words.clip(first.label, 30)} less that of {words.clip(second.label, 30)}"
    return f"all together {signed(parts)}, {rest} = {signed(total)}, {lead}"


def by_class(found: Explanation) -> list[str]:
    """Say how the logit of each class that is shown comes about."""
    if found.target:
        return []
    said = []
    for each in found.sums:
        rest = f" {signed(each.rest)} unexplained" if not exact(found) else ""
        start = f"bias {signed(each.start)}, " if exact(found) else ""
        said.append(f"{words.clip(each.label, 28)}: {start}all parts {signed(each.parts)}{rest} = {signed(each.total)}")
    return said


def exact(found: Explanation) -> bool:
    """Return whether parts and bias are the whole of each sum."""
    return found.method.startswith("exact")


def heading(found: Explanation) -> Iterator[list[Part]]:
    """Yield what was answered, by what, and what has to be known before all."""
    sure = f"   {words.percent(found.classes[0].probability)}" if found.classes else ""
    name = f"{words.clip(found.target, 40)} " if found.target else ""
    kind = "next token: " if found.task == "language" else ""
    yield [(f"{kind}{name}{label_of(found, found.answer, 60)}{sure}", "bold")]
    yield [(f"{words.clip(found.model, 40)}; {truth_of(found)}", "")]
    yield from ([(line, AGAINST)] for line in words.wrap(found.remark, 96) if found.remark)


def taken_in(found: Explanation) -> Iterator[list[Part]]:
    """Yield what the network takes in: tokens with their ids, or columns, and what each becomes."""
    yield from _title("What it takes in")
    for name, value in found.facts:
        first, *rest = words.wrap(value, 80)
        yield [(f"  {words.pad(words.clip(name, 20), FACT)} {first}", "")]
        yield from ([(f"  {' ' * FACT} {line}", "")] for line in rest[:3])
    units = found.units[:UNITS]
    if not units:
        return
    ids, given = any(unit.id is not None for unit in units), any(unit.given for unit in units)
    weighed = any(unit.weight is not None for unit in units)
    columns = found.task == "table"
    key = "code" if columns else "id"
    head = ["column" if columns else "token", *["cell"] * given, *[key] * ids, *["weight"] * weighed]
    dimensions = [words.clip(each, 12) for each in found.dimensions]
    rows = [[*head, *dimensions]]
    for unit in units:
        row = [label_of(found, unit.name, 28), *[words.clip(unit.given, 20)] * given]
        row += [*["" if unit.id is None else str(unit.id)] * ids, *[words.number(unit.weight or 0.0, 3)] * weighed]
        numbers = [f"{value:.3g}" for value in unit.vector]
        rows.append([*row, *([", ".join(numbers)] if columns else numbers)])
    width = max(map(len, rows))
    yield []
    for line in words.table([row + [""] * (width - len(row)) for row in rows], left=1 + given):
        yield [(line, "")]
    if len(found.units) > UNITS:
        yield [(f"  and {len(found.units) - UNITS:,} more", "dim")]


def _reasons(found: Explanation, width: int) -> Iterator[list[Part]]:
    weights = by_word(found.pieces) or [(unit.name, net(found, unit)) for unit in found.units if unit.parts]
    if not weights and not found.method:
        return
    yield from _title("What spoke for it")
    yield from ([(f"  {line}", "dim")] for line in words.wrap(found.method, 96))
    if found.pieces:
        yield []
        yield from _coloured([(piece.text, piece.weight) for piece in found.pieces], width)
    if found.overlay:
        yield [("  the map is in the picture: --png FILE or --html FILE", "")]
    if not weights:
        return
    yield []
    yield [(f"  {compared(found)}", "")]
    largest = max(abs(weight) for _, weight in weights) or 1.0
    for name, weight in weights[:UNITS]:
        bar = "\u2501" * round(BAR * abs(weight) / largest)
        yield [(f"  {words.pad(words.clip(name, 28), 28)} {signed(weight):>11}  ", ""), (bar, FOR if weight > 0 else AGAINST)]
    if len(weights) > UNITS:
        yield [(f"  {len(weights) - UNITS:,} more: {signed(sum(weight for _, weight in weights[UNITS:]))}", "dim")]
    yield from ([(f"  {line}", "")] for line in words.wrap(sums_to(found), 96))


def _coloured(pieces: Sequence[tuple[str, float]], width: int) -> Iterator[list[Part]]:
    """Yield a text in lines: + and - behind a word say how strongly it speaks for or against."""
    largest = max((abs(weight) for _, weight in pieces), default=0.0)
    line: list[Part] = [("  ", "")]
    used, shown = 2, 0
    for text, weight in pieces:
        level, said = strength(weight, largest), words.clean(text)
        if shown > LONGEST:
            line.append((f" {words.ELLIPSIS}", ""))
            break
        shown += len(said)
        said += ("+" if weight > 0 else "-") * level
        style = ("bold " * (level > 1) + (FOR if weight > 0 else AGAINST)) if level else ""
        if used + words.width(said) > width - 2 and used > 2:
            yield line
            line, used = [("  ", "")], 2
            said = said.lstrip() if not weight else said
        line.append((said, style))
        used += words.width(said)
    yield line


def surprising(found: Explanation) -> tuple[int, int, int]:
    """Return from how many nats on a token is marked, and more strongly: single characters are all a little surprising."""
    return (1, 3, 6) if any(len(token.text) > 1 for token in found.tokens) else (2, 4, 6)


def visible(token: str, alone: bool = True) -> str:
    """Return a token as one line; one that stands ``alone`` shows its spaces."""
    line = token.replace("\n", "\u21b5")
    return words.clip(line.replace(" ", "\u2423"), 28) if alone else words.clean(line)


def label_of(found: Explanation, label: str | float, most: int) -> str:
    """Return a class, a token or a number as one line."""
    if not isinstance(label, str):
        return words.number(label)
    return visible(label) if found.task == "language" else words.clip(label, most)


def _tokens(found: Explanation, width: int) -> Iterator[list[Part]]:
    if not found.tokens:
        return
    yield from _title("How surprising each token was")
    steps = surprising(found)
    yield [("  in nats; behind one that was more than {} +, {} ++, {} +++".format(*steps), "dim")]
    line, used = list[Part]([("  ", "")]), 2
    between = " " if any(len(token.text) > 1 for token in found.tokens) else ""
    for token in found.tokens[:LONGEST]:
        level = sum(token.loss > least for least in steps)
        said = visible(token.text, alone=False) + "+" * level + between
        if used + words.width(said) > width - 2:
            yield line
            line, used = [("  ", "")], 2
        line.append((said, ("", "dark_orange3", "bold dark_orange3", "bold reverse dark_orange3")[level]))
        used += words.width(said)
    yield line
    yield []
    worst = sorted(found.tokens, key=lambda token: -token.loss)[:TOKENS]
    rows = [("most surprising", "nats", "expected")]
    rows += [(visible(token.text), f"{token.loss:.2f}", visible(token.guess)) for token in worst]
    yield from ([(line, "")] for line in words.table(rows))


def chosen(found: Explanation) -> list[ClassScore]:
    """Return the likeliest classes, and the truth where it is not among them."""
    shown = list(found.classes[:CLASSES])
    return shown + [each for each in found.classes[CLASSES:] if each.label == found.truth]


def to_probabilities(found: Explanation) -> Iterator[list[Part]]:
    """Yield the way from logits to probabilities, class by class."""
    if not found.classes:
        return
    language = found.task == "language"
    yield from _title("What may come next" if language else "From logits to probabilities")
    yield from ([(f"  {line}", "dim")] for line in words.wrap(found.mapping, 96))
    head = ["class", "logit", *head_of(found), "probability", "-ln p"]
    rows = [["token", *head[1:]] if language else head]
    shown = chosen(found)
    for each in shown:
        mark = f" {words.STAR}" if each.label == found.truth else ""
        numbers = [f"{each.logit:.4f}", f"{each.mapped:.4g}", *([f"{each.term:.4g}"] if each.term is not None else [])]
        rows.append(
            [label_of(found, each.label, 28) + mark, *numbers, words.percent(each.probability), f"{each.cross_entropy:.4f}"]
        )
    head_line, *table = words.table(rows)
    yield [(head_line, "")]
    for line, each in zip(table, shown, strict=True):
        yield [(f"{words.pad(line, words.width(head_line))}  ", ""), ("\u2501" * round(BAR * each.probability), FOR)]
    left = len(found.classes) - len(shown)
    said = f"{words.STAR} the truth" if found.given else f"{words.STAR} the answer, taken for the truth"
    yield [(f"  {said}{f'; {left:,} more classes' if left > 0 else ''}", "dim")]
    yield from ([(f"  {line}", "dim")] for line in by_class(found))


def head_of(found: Explanation) -> list[str]:
    """Return what stands between logit and probability: exponential, sigmoid with its term of the loss, or cut-off output."""
    if found.classes[0].term is not None:
        return ["sigmoid", "loss term"]
    return ["exp(logit - max)"] if found.mapping.startswith("softmax") else ["cut to 0 .. 1"]


def losses(found: Explanation) -> list[str]:
    """Say what the loss of this row is, and its cross-entropy beside that of the others."""
    right = label_of(found, found.truth, 40)
    if not found.classes:
        return [f"{found.loss_name} of this row, on the standardised target: {words.loss(found.loss)}"]
    said = []
    if found.task != "language":
        terms = found.classes[0].term is not None
        how = f", the mean of the {len(found.classes):,} terms" if terms else ""
        said.append(f"{found.loss_name} of this row: {words.loss(found.loss)}{how}")
    entropy = next((each.cross_entropy for each in found.classes if each.label == found.truth), math.nan)
    said.append(f"cross-entropy of {right}: -ln {words.number(found.before, 5)} = {words.loss(entropy)}")
    return said


def _loss(found: Explanation) -> Iterator[list[Part]]:
    yield from _title("Loss")
    yield from ([(f"  {line}", "")] for line in losses(found))


def update(found: Explanation) -> Iterator[list[Part]]:
    """Yield the step of gradient descent by this input's loss, and what it would change."""
    if found.step is None:
        return
    yield from _title("The update that this row alone would cause")
    step = found.step
    if not step.moves:
        yield [(f"  {NOTHING}", "")]
        return
    norms = ", ".join(f"{name} {words.number(norm)}" for name, norm in step.parameters[:6])
    yield from ([(f"  {line}", "")] for line in words.wrap(f"norm of the gradient {words.number(step.norm)}: {norms}", 96))
    rows = [("parameter", "of", "value", "gradient", "moves")]
    for move in step.moves:
        cells = (
            words.clip(move.parameter, 28),
            words.clip(move.place, 36),
            words.number(move.value),
            signed(move.gradient),
        )
        rows.append((*cells, "up" if move.gradient < 0 else "down"))
    yield from ([(line, "")] for line in words.table(rows, left=2))
    yield from ([(f"  {line}", "")] for line in changes(found))
    yield from ([(f"  {line}", "dim")] for line in words.wrap(made_by(found), 96))


def made_by(found: Explanation) -> str:
    """Say how the update is made."""
    frozen = found.step.frozen if found.step else ()
    stays = f"; {', '.join(words.clip(each, 40) for each in frozen[:6])} stay as they are (freeze)" if frozen else ""
    return f"plain gradient descent on this row's loss: no momentum, no weight decay, no other rows{stays}"


def changes(found: Explanation) -> list[str]:
    """Say what the update would change, at each rate."""
    said = []
    what = words.clip(found.target, 40) if found.target else f"probability of {label_of(found, found.truth, 40)}"
    for after in found.step.after if found.step else ():
        before, now = digits(found.before, after.answer)
        said.append(
            f"{what} {before} -> {now} at {words.clip(after.what, 60)}, {after.rate:.3g}; loss {words.loss(after.loss)}"
        )
    return said


def digits(*values: float) -> list[str]:
    """Write numbers with as many digits as it takes to tell them apart, within reason."""
    for wanted in range(4, 9):
        shown = [words.number(value, wanted) for value in values]
        if all(a != b for a, b in pairwise(shown)):
            break
    return shown


def _title(text: str) -> Iterator[list[Part]]:
    yield []
    yield [(text, "bold")]
