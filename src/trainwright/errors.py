"""Every message a person can meet: a stable code, what happened, where, and how to mend it.

The table below is the single place where such messages are worded. Code raises ``error(code, ...)``; the command
line prints ``str(exception)`` and leaves with ``exception.exit_code``. Codes are never reused or renumbered.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable
from typing import NamedTuple

# The most bytes of a fact, of a list of facts and of each value in it, and of each of the three lines of a message, which
# all together have 2 kB at most.
FACT, LIST, WORD = 300, 500, 160
LINES = {"what": 700, "where": 400, "mend": 800}


class Message(NamedTuple):
    what: str
    mend: str


class TrainwrightError(ValueError):
    """A problem that the person can mend.

    Attributes:
        code: stable identifier such as ``E101``, documented in ``docs/errors.md``.
        what: one sentence that says what is wrong.
        where: file and row, setting, or run folder; empty where there is none.
        mend: how to mend it.
        exit_code: the command line's exit status; 2, or 3 when training itself had to be refused.
    """

    exit_code = 2

    def __init__(self, code: str, what: str, where: str, mend: str) -> None:
        super().__init__(code, what, where, mend)
        self.code, self.what, self.where, self.mend = code, what, where, mend

    def __str__(self) -> str:
        lines = [f"{self.code}: {in_a_line(self.what, LINES['what'])}"]
        if self.where:
            lines.append(f"  where: {in_a_line(self.where, LINES['where'])}")
        if self.mend:
            lines.append(f"  mend:  {in_a_line(self.mend, LINES['mend'])}")
        return "\n".join(lines)


class SourceError(TrainwrightError):
    """E1xx: a source that cannot be found, fetched or read."""


class DataError(TrainwrightError):
    """E2xx: the source was read, but its content cannot be trained on."""


class SettingError(TrainwrightError):
    """E3xx, and E5xx beyond E50x: a setting, recipe or command that is not understood."""


class RunError(TrainwrightError):
    """E4xx: a run folder or model bundle that cannot be written or read."""


class TrainingError(TrainwrightError):
    """E50x: training was refused; the model is left as it was before the refused step."""

    exit_code = 3


class ModelError(TrainwrightError):
    """E6xx: a model or batch of the person's own that does not fit the loop."""


_CLASSES: dict[str, type[TrainwrightError]] = {
    "1": SourceError,
    "2": DataError,
    "3": SettingError,
    "4": RunError,
    "50": TrainingError,
    "5": SettingError,
    "6": ModelError,
}


def class_of(code: str) -> type[TrainwrightError]:
    """Return the class of a code, which its first digit says, or its first two."""
    return _CLASSES.get(code[1:3]) or _CLASSES[code[1]]


def error(code: str, /, *, where: str = "", hint: str = "", **facts: object) -> TrainwrightError:
    """Make (not raise) the exception of ``code``; ``facts`` fill the placeholders of its message.

    A list is a fact whose values are written with commas: as many as there is room for, and the number of the others. ``help``
    is where more is said of what was called; without it that is ``fit``.
    """
    facts = {"help": "help(trainwright.fit)", **facts}
    message, said = MESSAGES[code], {name: _Fact(fact) for name, fact in facts.items()}
    mend = " ".join(part for part in (hint, message.mend.format(**said)) if part)
    return class_of(code)(code, message.what.format(**said), where, mend)


class _Fact:
    """A value that is short and harmless however a message writes it."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        if spec == "word":
            return in_a_line(shell_word(self.value), FACT)
        return _listed(self.value) if isinstance(self.value, list) else in_a_line(format(self.value, spec), FACT)

    def __repr__(self) -> str:
        return in_a_line(repr(self.value), FACT)


def _listed(values: list[object]) -> str:
    """Return values with commas between them: as many as there is room for, and the number of the others."""
    shown: list[str] = []
    room = LIST
    for value in values:
        word = in_a_line(value, WORD)
        room -= len(word.encode()) + 2
        if room < 0:
            return f"{', '.join(shown)} and {len(values) - len(shown):,} more"
        shown.append(word)
    return ", ".join(shown)


def in_a_line(text: object, most: int) -> str:
    """Return a text as one line of at most ``most`` bytes in UTF-8, with ``...`` for the middle of a longer one.

    Nothing in it is a command to a terminal, whose words a stranger may have chosen: what cannot be printed is a ``?``.
    """
    whole = str(text)
    if len(whole) <= most and len((line := _printable(whole)).encode()) <= most:
        return line
    half = (most - 5) // 2  # bytes; what stands in the middle is not looked at, however long it is
    head, tail = (_printable(part).encode() for part in (whole[:half], whole[-half:]))
    return f"{head[:half].decode(errors='ignore')} ... {tail[-half:].decode(errors='ignore')}"


def _printable(text: str) -> str:
    """Return a text without control characters, escape sequences and lone surrogates; white space as blanks."""
    return "".join(each if each.isprintable() else " " if each.isspace() else "?" for each in text)


def shell_word(path: object) -> str:
    """Return a path as a word of a command line, to be pasted: in quotes where it needs them, and no flag."""
    word = str(path)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)


def help_of(verb: str) -> str:
    """Return where to read more of a verb of the command line that is a function too."""
    return f"help(trainwright.{verb}), or: trainwright {verb} --help"


def in_short(problem: Exception) -> str:
    """Return what an exception says in its first line, as ``in_a_line`` writes it; its type too where that says more."""
    said = in_a_line(problem.what if isinstance(problem, TrainwrightError) else str(problem).partition("\n")[0], 200)
    return said if said and not isinstance(problem, KeyError) else f"{type(problem).__name__} {said}".strip()


def nearest(word: str, choices: Iterable[str]) -> str:
    """``Did you mean 'x'?`` for the choice nearest to ``word``, or an empty string when none is near."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"Did you mean '{found[0]}'?" if found else ""


MESSAGES: dict[str, Message] = {
    # finding and reading a source
    "E101": Message("there is no file or folder '{path}'", "Check the path; it counts from the folder you are in."),
    "E102": Message("'{path}' cannot be read: {why}", "Make it readable for you, or copy it to a place that is."),
    "E103": Message("'{path}' is empty", "Check how it was written or downloaded."),
    "E104": Message(
        "'{path}' is not a table of text: it looks like {kind}",
        "Tables are read as CSV, JSON lines, Parquet, Arrow or Excel; a compressed file may end in .gz, .zst, .bz2 or .xz.",
    ),
    "E105": Message("the compressed file '{path}' is damaged: {why}", "Download or compress it again."),
    "E106": Message(
        "'{path}' grows beyond {limit} when it is decompressed",
        "No text shrinks that far. If you trust the file, decompress it first and give the plain file.",
    ),
    "E107": Message(
        "'{path}' has a line longer than {limit}, so it is not one record a line",
        "Write one record a line (CSV or JSON lines), or convert the file to Parquet.",
    ),
    "E108": Message(
        "no table was recognised in '{path}': {found}",
        "If it is a table, say what stands between its fields: delimiter=tab (comma, semicolon, pipe, space, or any mark). "
        "Known are also JSON, JSON lines, Parquet and fastText lines (__label__x text). Running text is for task=language.",
    ),
    "E109": Message("'{path}' has column names but no rows", "Check how it was written; at least one row is needed."),
    "E110": Message("the header of '{path}' names a column more than once: {names}", "Give every column its own name."),
    "E111": Message(
        "none of the {count} rows of '{path}' can be used; the first: {why}",
        "Look at its first lines: {lines}. What stands above the header can be deleted; if the delimiter or the header were "
        "told wrongly, say delimiter=tab (comma, semicolon, pipe, any mark), header=no.",
    ),
    "E112": Message(
        "the folder '{path}' holds no classes: there {found}",
        "Give a file, or a folder that holds one folder of .txt files, or of images, for each class.",
    ),
    "E113": Message("'{path}' is not valid JSON: {why}", "Mend it there; a JSON tool names the same place."),
    "E114": Message(
        "'{path}' holds JSON, but not rows: {found}",
        "Expected is a list of objects, alone or in an object, an object of equally long lists, or one object a line.",
    ),
    "E115": Message("'{path}' starts like {kind} file but cannot be read", "Download or write it again."),
    "E116": Message("'{path}' has a column '{name}', a name that is used inside", "Rename the column."),
    "E117": Message("'{path}' cannot be read as {encoding}: {why}", "Save it as UTF-8."),
    "E118": Message("'{path}' is split into folders ({parts})", "Name the one to read, such as '{part}'."),
    "E119": Message(
        "the header of '{path}' cannot be read: {why}",
        "Mend the first line of the file: {lines}; or say header=no if it is a row.",
    ),
    "E120": Message("'{path}' is not plain text: {why}", "Save it as UTF-8 text, or take it out of the folder."),
    # named data sets
    "E130": Message(
        "there is no data set named '{name}'",
        "Known data sets: {known}.",
    ),
    "E131": Message(
        "data set '{name}' is not on this machine, and downloads are switched off",
        "Allow the download (no offline=True, no TRAINWRIGHT_OFFLINE), put the file (md5 {md5}) at {path} by hand, "
        "or train on 'python-docs', which needs no download.",
    ),
    "E132": Message(
        "data set '{name}' could not be downloaded: {reason}",
        "Check the connection and try again (what has arrived is kept), put the file (md5 {md5}) at {path} by hand, "
        "or train on 'python-docs', which needs no download.",
    ),
    "E133": Message(
        "a file of data set '{name}' has the wrong content: its md5 is {found}, expected {expected}",
        "Try again later, put the right file at {path} by hand, or train on 'python-docs', which needs no download.",
    ),
    "E134": Message(
        "the cache folder of data set '{name}' cannot be used: {reason}",
        "Make room or give permission there, or name another folder in TRAINWRIGHT_CACHE; "
        "'python-docs' needs no download and no cache.",
    ),
    "E135": Message(
        "'python-docs' is read from the source files of the standard library, and this Python has none",
        "Train on a file of your own, or use a Python that comes with its library as .py files.",
    ),
    # archives
    "E136": Message("the archive '{path}' has no member '{member}'", "Is it the right file? Download it again."),
    "E137": Message(
        "{what} in the archive '{path}' is larger than {limit}, which it should not be",
        "Do not trust the file; download it again from its publisher.",
    ),
    "E138": Message(
        "'{member}' in the archive '{path}' is not a plain file",
        "Do not trust the file; download it again from its publisher.",
    ),
    "E139": Message("the archive '{path}' is damaged: {why}", "Download it again."),
    # images
    "E140": Message(
        "{path} cannot be used: {why}",
        "Give a PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF or HEIC file that a viewer can open.",
    ),
    "E141": Message(
        "the folder '{path}' holds no folder with images in it",
        "Put the images of each class into a folder of its own, name them in a table (CSV) with a label column, or call them "
        "by label and number: cat.0.png, dog.1.png.",
    ),
    "E142": Message("none of the {count} pictures of '{path}' can be used; the first: {why}", "Look at the file named."),
    "E143": Message(
        "'{path}' cannot be read as an IDX file: {why}",
        "Download it again; an IDX file (MNIST's format) holds unsigned bytes behind a header of its shape.",
    ),
    "E144": Message("'{path}' lacks {missing}", "Put it into the same folder, called '{name}' (also with .gz)."),
    "E145": Message("'{path}' holds two files of images for one split: {one} and {two}", "Name the one to train on."),
    "E146": Message(
        "there are {pictures} pictures in {images} but {count} labels in {labels}", "Each picture needs exactly one label."
    ),
    "E147": Message(
        "{name} does not fit: {why}",
        "Save pictures as uint8 of shape (rows, height, width) or (rows, height, width, 3), labels as one number a row.",
    ),
    "E148": Message(
        "'{path}' cannot be used as arrays of pictures: {why}",
        "Save it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...), or as x and y alone.",
    ),
    "E149": Message(
        "it cannot be told which column of '{path}' names the images: {why}",
        "Name it: image=NAME. Its values are paths that count from the folder of the table.",
    ),
    "E150": Message(
        "the data set '{name}' cannot be read: {why}",
        "It comes with scikit-learn; install that again (pip install scikit-learn).",
    ),
    "E151": Message("'{path}' cannot be removed from the cache: {problem}", "Give permission there, or remove it by hand."),
    "E152": Message(
        "'{path}' has {size}, and would take {held} or more when it is read",
        "No ordinary table shrinks that far. If you trust the file, write it as CSV and give that.",
    ),
    # running text
    "E160": Message(
        "the folder '{path}' holds no text to train on",
        "Text files end in .txt, .text, .md, .tokens or .raw; compressed ones too.",
    ),
    "E161": Message("there is nothing but white space in {files}", "Check how it was written or downloaded."),
    "E162": Message(
        "'python-reference' is read from a source file of the standard library, which this Python does not have",
        "Train on a file of your own, or use a Python that comes with its library as .py files.",
    ),
    "E163": Message(
        "'{path}' is named for both {first} and {second}",
        "Give each split its own text, or leave the split out: one is cut off.",
    ),
    "E164": Message(
        "the text has {count} characters, too few to cut {parts} from",
        "Give more text, other fractions, or files of their own.",
    ),
    "E165": Message("a bpe vocabulary cannot have {size} tokens", "It holds every byte, so max_vocabulary is 256 at least."),
    "E166": Message("the saved tokeniser is damaged: {problem}", "Take it from a whole copy, or train again."),
    "E167": Message(
        "'{path}' is the folder of a run, not data",
        "Name the data. A model that goes on from this run: trainwright train DATA --from {path:word}",
    ),
    "E168": Message("the {part} split has no token", "Give more text, another tokenizer, or other fractions."),
    "E169": Message("{what} cannot be the name of a file or folder here: {why}", "Give it another name."),
    # large and odd tables
    "E170": Message(
        "'{path}' has more than {limit} columns",
        "Is it a table, with the right delimiter? If it is, leave out columns, or turn it if its rows stand side by side.",
    ),
    "E171": Message(
        "the {objects} objects of '{path}' have {keys} different keys, so next to no cell of their table would be filled",
        "Give every object the same keys; write what differs as the value of a key, not as a key.",
    ),
    "E172": Message(
        "no room is found in '{path}' for what is too large for the memory: {why}",
        "Make room there, or name another folder by the environment variable TRAINWRIGHT_CACHE.",
    ),
    # what is in archives
    "E180": Message("'{path}' is not a copy of {name}: {why}", "Download it again; the original is meant, not repacked."),
    "E181": Message(
        "the data set '{name}' is made for the task {task}; it cannot be read as a table",
        "Name another data set, or give a file of your own.",
    ),
    # tables in several files
    "E183": Message(
        "the {part} files of '{path}' are not parts of one table: {why}",
        "Take out what does not belong there, or name one file: trainwright train {file:word}",
    ),
    "E184": Message(
        "'{file}' of '{path}' is no part of the table that begins in '{first}': {why}",
        "Files of one table have the same columns. Take it out of the folder, or name the files by a pattern in quotes: "
        "'FOLDER/part-*.csv'.",
    ),
    "E185": Message(
        "the archive '{path}' is not read in memory: {why}", "Unpack it yourself if you trust it, and name the folder."
    ),
    "E186": Message(
        "the archive '{path}' holds no data that is known: {found}",
        "Known are tables, folders of texts or images by class, and running text. Unpack what is an archive inside it.",
    ),
    "E187": Message("'{path}' is read by python-calamine, which is not installed", "Run: pip install 'trainwright[excel]'"),
    "E188": Message(
        "'{path}' cannot be read as a workbook: {why}",
        "Open it in a spreadsheet program and save the sheet as CSV. Of an archive the name ends in .zip.",
    ),
    # how a file is read
    "E190": Message("{key}={value} cannot be for '{path}': {why}", "Leave it out."),
    "E191": Message(
        "'{path}' is not in {encoding}, the encoding that is given: {why}",
        "Name the encoding that it is in, or leave encoding out, and it is told from the file.",
    ),
    # which column is what
    "E201": Message("there is no column '{name}' in '{path}'", "Its columns: {columns}."),
    "E202": Message(
        "it cannot be told which column of '{path}' is the label: {why}", "Name it: label=NAME. Columns: {columns}."
    ),
    "E203": Message("it cannot be told which column of '{path}' is the text: {why}", "Name it: text=NAME. Columns: {columns}."),
    "E204": Message("column '{name}' of '{path}' cannot be both text and label", "Name two: text=... label=..."),
    "E205": Message(
        "column '{name}' of '{path}' is not a label: {distinct} of its {count} values are different",
        "A label has few values that recur; this looks like free text or an id. Name another: label=NAME. Columns: {columns}.",
    ),
    "E206": Message("the text column '{name}' is named twice", "Name each text column once."),
    # rows, classes and splits
    "E211": Message("'{source}' comes with its own rows; --test and --valid cannot be given for it", "Leave them out."),
    "E212": Message(
        "{file} has no row that can be used",
        "Its rows need what those of training had: every column that is learned from, and a label where answers are measured. "
        "Numbers or dates that are written otherwise are read where that is said: decimal=comma, dates=dmy.",
    ),
    "E213": Message(
        "{file} has no column '{column}'",
        "Name a column that the file has; --test and --valid files need the same columns as the source.",
    ),
    "E214": Message(
        "{rejected} rows cannot be used and only {usable} can; the first: {reason}",
        "Look at the rows; is this the right file, and are the columns as they should be?",
    ),
    "E215": Message(
        "no row of {file} for {part} can be measured, as no row to train on has its label: {found}",
        "Rows to train on have: {known}. Is it the right column (label=NAME), and the right split (split=...)?",
    ),
    "E216": Message(
        "every row of {file} to train on has the same label, '{label}'",
        "A classifier needs at least two classes; name another column with label=NAME.",
    ),
    "E217": Message(
        "label '{label}' occurs once, which looks like a misspelling",
        "Correct the row, or remove it; `trainwright inspect DATA` names all such labels.",
    ),
    "E218": Message("no text has a token that occurs often enough", "Lower min_count, or look at the text column."),
    "E219": Message(
        "no row of {file} has a label that the model knows; the first is {found!r}",
        "It knows: {labels} ... . Give a file with these in the column that training learned.",
    ),
    "E220": Message(
        "split by time: '{value}' in column '{column}' is no number and no time that can be read",
        "Name a column of numbers or times: split=time:NAME. Times are written like 2026-01-31 10:20+02:00, 31/01/2026, "
        "Jan 31, 2026 9:05 PM; months in English.",
    ),
    "E221": Message(
        "split={how} leaves no row for {part}: of {rows} rows {different} differ in what it goes by",
        "Rows that are the same in it stay together: give more that differ, or choose another split or other fractions.",
    ),
    "E222": Message("{file} holds the test rows, so test_fraction has nothing to cut", "Leave test_fraction out, or --test."),
    "E223": Message(
        "split by time: dates such as '{value}' in column '{column}' do not tell whether day or month comes first",
        "Say it: dates=dmy or dates=mdy.",
    ),
    "E224": Message(
        "split by column: no row of {file} is for training, by column '{column}'; it holds {values}",
        "Let it say one of {words}; split=content cuts by content instead.",
    ),
    "E225": Message(
        "column '{column}' says which rows are for {part}, and {file} holds rows for {part} too",
        "Leave out --{part}, or split=column:{column}.",
    ),
    "E226": Message("columns.{name}={kind} contradicts {key}={value}", "Leave one of them out, or let both say the same."),
    "E227": Message(
        "columns.{name}={kind} cannot be: {bad} of the {count} values of that column of '{path}' are not {sense}, "
        "such as '{example}'",
        "Leave the setting out, or give the kind that the column holds.",
    ),
    # the columns of a table
    "E240": Message(
        "it cannot be told which column of '{path}' is to be predicted: {why}", "Name it: label=NAME. Columns: {columns}."
    ),
    "E241": Message("column '{name}' of '{path}' cannot be both a feature and the label", "Take it out of features."),
    "E242": Message("the feature '{name}' is named twice", "Name each column once."),
    "E243": Message("column '{name}' of '{path}' cannot be {role}: {why}", "Mend the column, or name another: {key}."),
    "E244": Message(
        "'{path}' has no column to learn from",
        "Left out were: {left_out}. Name columns to take all the same: features=NAME,NAME.",
    ),
    "E245": Message(
        "column '{name}' of '{path}' cannot be predicted as a number: {why}", "Write target=class, or mend the column."
    ),
    "E246": Message(
        "column '{name}' of '{path}' cannot be predicted: {why}", "Name another column: label=NAME. Columns: {columns}."
    ),
    "E247": Message(
        "{file} has no column '{column}', which the model needs",
        "Add the column, or rename the one that holds it. There are: {columns}.",
    ),
    "E248": Message(
        "data set '{name}' is read from the files of scikit-learn, and {file} is not there",
        "Install scikit-learn again: pip install --force-reinstall scikit-learn.",
    ),
    "E249": Message(
        "{key} is for columns of text, and none of the features is one",
        "Leave it out, or say which column is: columns.NAME=text. The features are {features}.",
    ),
    # fine-tuning and rows that are given
    "E260": Message(
        "the earlier run predicts {found}, and {wanted}", "Train without --from, or name another column with label=NAME."
    ),
    "E261": Message("{what} cannot be used: {why}", "Give each column what it held in training; None where it is missing."),
    "E262": Message("'{word}' is no column and its value", "Write a row as \"age=63 city='New York'\"."),
    "E263": Message(
        "{key}={value!r} is for classes, and '{name}' is predicted as a number", "Leave it out, or write target=class."
    ),
    # images while they are read
    "E270": Message(
        "'{path}' could be decoded before and cannot be now: {why}",
        "Leave the files as they are while they are read, and train again.",
    ),
    "E271": Message(
        "a process that decodes images has ended: {why}",
        "Most often memory ran out: give fewer workers (workers=0 decodes without them) or a smaller batch_size.",
    ),
    "E272": Message(
        "{key}={value} names a column, and '{path}' is no table", "Leave it out; images in folders and arrays have no columns."
    ),
    "E273": Message(
        "augment=mixup mixes the classes of two images, which {name} cannot take", "Use CrossEntropyLoss, or leave mixup out."
    ),
    "E274": Message("'{path}' holds no image", "Images end in {suffixes}."),
    "E275": Message("at {size} the images take {wanted} GiB, and there is room for {most}", "Choose a smaller size=..."),
    # data in memory
    "E276": Message(
        "this cannot be read as data: {why}",
        "Give a path, a frame of polars, pandas or Arrow, a data set of the datasets library, a dictionary of columns, a list "
        'of dictionaries, or these by split: {{"train": ..., "test": ...}}.',
    ),
    "E277": Message(
        "the run {path} was trained on data in memory, which no file holds",
        "Give them again in Python: tw.resume(RUN, source=DATA); verify, replay and mistakes take source= too.",
    ),
    # what is not as it would be needed
    "E280": Message(
        "'{path}' is no table, and a file is predicted by the columns of one: {found}",
        "For a text a line: trainwright predict RUN - < {path:word}",
    ),
    "E281": Message(
        "column '{name}' of '{path}' names images by addresses, such as {value}, and nothing is fetched from there",
        "Download the images, and write the paths of the files, which count from the folder of the table.",
    ),
    "E282": Message(
        "column '{name}' of '{path}' is there, and left out: {why}",
        "Write it as text or as numbers, one value a row. Other columns: {columns}.",
    ),
    "E284": Message(
        "'{path}' holds images in {images}/ and beside them {labels}/, which look like boxes around objects in them",
        "To find objects is not what is learned here. To tell classes of whole images apart, put the images of each class into "
        "a folder of its own, or name them in a table with a label.",
    ),
    # several labels, weights, thresholds
    "E285": Message(
        "column '{name}' of '{path}' is to be one of several labels, and holds something other than 0 and 1",
        "Name columns of 0 and 1 with commas between (label=a,b,c), or a single column that holds the labels.",
    ),
    "E286": Message(
        "{columns}: several columns are several labels, and target={target} is one", "Name one column, or leave target out."
    ),
    "E287": Message(
        "{key}={value!r} spreads one class over the others, and here a row may have several labels",
        "Leave it out, or write target=class.",
    ),
    "E288": Message(
        "threshold={value!r} has no use: {found}", "It is for two classes, or for several labels a row; leave it out."
    ),
    "E289": Message("no row of the training split in '{file}' has a label", "Name the columns of the labels: label=NAME,NAME."),
    "E290": Message(
        "every row of the training split in '{file}' has weight 0 in column '{column}'",
        "Name another column, or leave sample_weight out.",
    ),
    # settings
    "E301": Message("unknown setting '{key}'", "`trainwright settings` lists every key."),
    "E302": Message("setting {key}={value!r} is not possible: {problem}", "`trainwright settings` gives its type and unit."),
    "E303": Message("'{word}' is not a setting", "Settings are written key=value, after the source; flags begin with --."),
    "E304": Message("setting '{key}' is given twice", "Keep one of them."),
    "E305": Message("{key}.{argument} is given, but no {key} to give it to", "Write {key}=NAME {key}.{argument}=... ."),
    "E306": Message("unknown model '{name}'", "The models are: {choices}."),
    "E307": Message("unknown recipe '{name}'", "The recipes are: {choices}."),
    "E308": Message("the recipe {path} cannot be read: {problem}", "A recipe is a TOML file with a [settings] table."),
    "E310": Message("unknown {setting} '{name}'", "The choices are: {choices}."),
    "E311": Message("{name} takes no argument '{argument}' (in {setting}.{argument})", "It takes: {known}."),
    "E312": Message(
        "torch refuses the {setting} {name}: {problem}", "Look the arguments up in torch's documentation of {name}."
    ),
    "E313": Message("loss {name} cannot be used here: {problem}", "`trainwright settings` tells what each setting does."),
    "E314": Message("device '{device}' is not on this machine", "Present: {present}; auto takes the first."),
    "E315": Message(
        "patience needs validation rows, and there are none", "Keep some with valid_fraction=0.1, or give --valid FILE."
    ),
    "E316": Message(
        "no source is named",
        "Write: trainwright train SOURCE [key=value ...]; SOURCE is a file, a folder or a data set's name.",
    ),
    "E317": Message(
        "several sources are named: {found}",
        "Name one; give further files with --test and --valid, settings as key=value. Files that are parts of one table are "
        "named as their folder, or by a pattern in quotes: 'FOLDER/*.csv'.",
    ),
    "E318": Message("{problem}", "`trainwright --help` and `trainwright COMMAND --help` tell what can be said."),
    "E319": Message("{name} needs {setting}.{argument}", "Give it: {setting}.{argument}=VALUE."),
    "E320": Message("{name}={value!r} is not possible: {problem}", "See {help}."),
    "E321": Message("{key} is a setting for {only}; this is: {task}", "Leave it out, or say what is meant with task=..."),
    "E322": Message("model {name} is not for this task ({task})", "Its models are: {choices}."),
    "E323": Message(
        "the vocabulary of a bag with n-grams cannot be extended",
        "Leave vocabulary=extend out, or train a model without n-grams.",
    ),
    "E324": Message(
        "nothing of the earlier run's {model} can be kept: every weight of it belongs to a class or token that is not here",
        "Train without --from.",
    ),
    "E325": Message("freeze: the model has no module '{name}'", "It has: {known}."),
    "E326": Message("freeze leaves nothing that can learn", "Name fewer modules."),
    "E327": Message(
        "{run} was trained for another task ({found}); this is: {wanted}",
        "Name a run of the same task, say what the source is with task=..., or train without --from.",
    ),
    "E328": Message(
        "{key}={value!r} does not fit the earlier run, which has {found!r}",
        "Leave it out: it is taken from the run; or train without --from.",
    ),
    "E329": Message("{key} has no effect: {why}", "Leave it out."),
    "E330": Message("{key} is a flag, not a setting", "Write --{flag} VALUE instead of {key}=VALUE."),
    "E331": Message(
        "on_nonfinite=rollback needs checkpoints at places that do not depend on time; checkpoint_every is {value}",
        "Write checkpoint_every=1epoch or checkpoint_every=500steps.",
    ),
    "E336": Message(
        "the network cannot be compiled: {problem}",
        "Write compile=false. On a processor torch.compile needs a C++ compiler such as g++.",
    ),
    "E337": Message("'{value}' cannot be the truth: the model does not answer with it", "It answers with {known}."),
    "E338": Message("a model of kind '{kind}' cannot be explained", "Its kind has no explain; `trainwright predict` asks it."),
    "E340": Message(
        "port {port} of this machine cannot be listened on: {problem}", "Leave --port out, and a free one is taken."
    ),
    "E341": Message("the live page needs {missing}, which is not installed", 'Install it: pip install "trainwright[watch]".'),
    # words of the command line
    "E350": Message("{flag} is a setting, not a flag", "Write {key}={value}, without dashes."),
    "E351": Message("the setting {key} is not written as one word", "Write {key}={value}, without blanks."),
    "E352": Message("there is no command '{name}'", "The commands are: {known}."),
    "E353": Message(
        "{word} is a setting of training, and `{verb}` does not take it",
        "Give it when the model is trained: trainwright train SOURCE {word}. A text that reads so can be given by standard "
        "input, as -.",
    ),
    "E354": Message(
        "{word} says how a file is written, and here is none",
        "Name one: trainwright {verb} RUN FILE {word}; in Python a pathlib.Path.",
    ),
    # how sure answers are
    "E355": Message(
        "calibrate=on fits a temperature on validation rows, and there are none",
        "Leave calibrate out, or keep some: valid_fraction=0.1.",
    ),
    "E356": Message(
        "{key} {value} is no share of all rows: it has to be above 0 and below 1", "Give a share, such as --{key} 0.9."
    ),
    "E357": Message("{key} {value} is for a model that answers with {wants}; this one answers with {found}", "Leave it out."),
    # what torch is asked to build
    "E360": Message(
        "the network {name} is larger than memory: {wanted} GiB for its weights and their gradients, where {most} GiB are free",
        "Make it smaller by its settings (model.*), or keep fewer tokens: max_vocabulary, min_count.",
    ),
    "E361": Message("the network {name} cannot be built: {problem}", "Look at its settings, model.*."),
    "E365": Message(
        "the model, its optimiser or its loss cannot be copied: {problem}",
        "`check` works on copies: copy.deepcopy((model, optimizer, loss)) has to work.",
    ),
    "E366": Message("a look at the training of {source} found: {names}", "{mend}"),
    "E367": Message(
        "keep=last chooses no epoch, so patience has nothing to wait for", "Leave patience out, or write keep=best."
    ),
    # run folders and bundles
    "E401": Message("the run folder {path} exists already", "Choose another --out, or remove the folder."),
    "E402": Message("{path} cannot be written: {problem}", "Choose a place that can be written, or free some room."),
    "E403": Message(
        "{path} is no run folder: it has no {missing}",
        "Name a folder that `trainwright train` made; `trainwright runs` lists them.",
    ),
    "E404": Message("the model in {path} is damaged: {problem}", "Train again, or take the folder from a whole copy."),
    "E405": Message(
        "the run {path} has no {missing} yet", "Its training did not end; go on with it: trainwright resume {path:word}"
    ),
    "E406": Message("the model is of kind '{name}', which this version does not know", "It knows {choices}."),
    "E407": Message(
        "the model was saved in format {found}; this version reads format {known}",
        "Use the version of trainwright that saved it, or a newer one.",
    ),
    "E408": Message("{path} is damaged: {problem}", "Take the folder from a whole copy, or train again."),
    "E409": Message(
        "the run {path} held back no rows to be measured on", "Name a labelled file: trainwright evaluate RUN FILE."
    ),
    "E410": Message("{path} holds another kind of model ({task})", "Text is generated by a language model."),
    "E411": Message("{path} is damaged: {problem}", "Take it from a whole copy; `trainwright verify RUN` checks all of a run."),
    "E412": Message(
        "{name} is a {found}, which no checkpoint can hold",
        "States of models, optimisers and schedules are made of tensors, numbers, words, lists, tuples and dicts.",
    ),
    "E413": Message(
        "none of the {count} checkpoints of {path} is whole; the newest: {problem}",
        "Nothing was changed. Bring back a whole copy of one of them, or train anew in another folder.",
    ),
    "E414": Message(
        "{path} cannot go on, as its data are read otherwise than when it began: {changed}",
        "Bring back the data as they were. For a model that goes on with other data: trainwright train DATA --from RUN.",
    ),
    "E415": Message("the run folder {path} is in use by {holder}", "Wait for it to end, or choose another --out."),
    "E416": Message(
        "{path} cannot go on with {key}={value}: it was begun with {found}",
        "Only {free} may change. To train the model on with other settings: trainwright train DATA --from RUN.",
    ),
    "E417": Message(
        "{path} has written checkpoints, but there is none any more",
        "Bring back its folder checkpoints/, or train anew in another folder.",
    ),
    "E418": Message(
        "the run in {path} was begun with {key} {found}, not {wanted}",
        "Say the same as then, or only: trainwright resume {path:word}",
    ),
    "E419": Message(
        "the run {path} is not as it was written: {first}{more}",
        "Take what is damaged from a whole copy. `trainwright plots` draws plots again; `trainwright resume` puts damaged "
        "checkpoints aside.",
    ),
    "E420": Message(
        "the run in {path} was begun with another {key}{shown}",
        "Call fit as it was called then, or choose another folder.",
    ),
    "E421": Message(
        "the run {path} has nothing more to do: {key}={value} ends it, as {epochs} epochs and {steps} updates are done",
        "Give a larger {key}; without settings, `trainwright resume {path:word}` ends what is not ended.",
    ),
    "E422": Message(
        "the data of the run {path} are not there: {source}, as seen from {folder}",
        "Bring them back, or say where they are now: --source PATH.",
    ),
    "E423": Message(
        "a second training cannot give the bits of {path}: {why}",
        "`trainwright verify` proves its files and scores without training.",
    ),
    "E424": Message("{path} cannot be read: {problem}", "It may be whole all the same; try again when it can be read."),
    "E428": Message(
        "the run {path} has no story to tell: {problem}",
        "A story needs rows of validation (valid_fraction=0.1, --valid FILE, of fit valid= with classes or numbers) or running "
        "text, and an epoch that has ended.",
    ),
    "E430": Message(
        "the run {path} kept no answers to single rows",
        "They are kept of rows held back for validation or test, where a class or a number is predicted.",
    ),
    "E431": Message(
        "the run {path} has no validation rows, on which its loss surface would be measured",
        "Train with some: valid_fraction=0.1, or --valid FILE.",
    ),
    "E432": Message(
        "the data of the run {path} are not what they were: {files}",
        "Bring them back as they were, or say where they are now: --source PATH.",
    ),
    "E433": Message(
        "the run {path} of fit has no {missing} yet: its training did not end",
        "Call tw.fit with the same arguments, out= and resume=True, which goes on.",
    ),
    "E434": Message(
        "the loss surface of {path} cannot be drawn: it is a run of fit, whose model and data are in your own code",
        "It draws runs of `trainwright train`. Of this one there are report and mistakes, and a story where valid= was given.",
    ),
    "E435": Message(
        "there is no file '{word}', and a word that looks like one is not taken for a text",
        "If it is a text: trainwright predict {run:word} --text {word:word}",
    ),
    "E436": Message(
        "'{word}' looks like a file, and is not taken for a text",
        "For the rows of the file give Path({word!r}); for the text itself a list, [{word!r}].",
    ),
    "E437": Message(
        "{file} has no column '{column}', which holds the {noun} in training",
        "Rename the column that holds it, or give that column alone. There are: {columns}.",
    ),
    "E438": Message(
        "{first} and {second} cannot be compared: {why}",
        "Compare runs of the same kind of problem, on the same test data.",
    ),
    "E439": Message("to compare takes two runs or more, and {found} is named", "trainwright compare RUN RUN ..."),
    "E440": Message("several seeds are gone on with where their folders are known", "Name the folder that they are in: --out."),
    "E441": Message(
        "{path} held back no rows, so there is no score whose spread could be told",
        "Train with some: valid_fraction=0.1, or --valid FILE.",
    ),
    "E450": Message(
        "{path} is a link: what is written there would go elsewhere",
        "Put the folder itself in its place. Folders of a run are no links, as they may come from somebody else.",
    ),
    "E470": Message(
        "the model keeps nothing to promise {key} {value} by: it was trained without validation rows, or by an earlier version",
        "Train it again, with rows of validation: valid_fraction=0.1.",
    ),
    "E471": Message(
        "no answers can be promised to be right in {value} of all rows: by {rows} rows of validation {most}",
        "{mend}More validation rows, or a better model, can promise more.",
    ),
    "E472": Message(
        "there are too few validation rows for an interval that holds the truth in {value} of all rows",
        "Ask for {most} at most, or train with more rows of validation: valid_fraction=0.2.",
    ),
    "E480": Message(
        "{path} holds a learning curve that was asked for otherwise",
        "Say the same words again to go on with it, or name another folder: --out FOLDER.",
    ),
    "E481": Message(
        "the data of the learning curve in {path} have changed since it was begun",
        "Bring them back as they were, or begin another in a new folder: --out FOLDER.",
    ),
    "E482": Message(
        "{rows} training rows are too few for a learning curve: with {least} three parts of them could be learned from",
        "Label more rows, or name parts to try all the same: --parts 0.25,0.5,1.",
    ),
    "E483": Message(
        "{source} has no validation rows, on which a learning curve is measured",
        "Leave some out of training: valid_fraction=0.1, or --valid FILE.",
    ),
    "E484": Message(
        "a learning curve chooses {key} itself", "Leave it out. Which parts are trained on says --parts 0.25,0.5,1."
    ),
    # labels that are probably wrong, and corrected ones
    "E490": Message(
        "the run {path} has no labels that could be wrong: it is a language model",
        "Suspect labels are looked for where classes, labels or numbers are predicted.",
    ),
    "E491": Message(
        "the run {path} was trained on {rows} rows, too few to be cut into {folds} parts",
        "Give a smaller number of parts, or more rows: trainwright suspects RUN --folds 2.",
    ),
    "E492": Message(
        "{path} is no table of corrected labels: it has no {missing}, but the columns {columns}",
        "`trainwright suspects RUN --out labels.csv` writes one; its columns file, row and label are needed.",
    ),
    "E493": Message("the row '{value}' in {path} is no number", "It is that of the record in its file, as `mistakes` has it."),
    "E494": Message("{path} has two labels for {file}, row {row}", "Leave one line for each record."),
    "E495": Message(
        "{path} corrects {file}, row {row}, and no such row was read",
        "Its files are named as seen from here; a row may have been left out as it is (see what was said of it).",
    ),
    "E496": Message(
        "the label of {file}, row {row}, is {found}, and {path} corrects {given}: it was made for other data",
        "Bring the data back as they were, or find the suspects anew: trainwright suspects RUN --out labels.csv.",
    ),
    "E497": Message("the label '{value}' in {path} is no number, which is predicted here", "Write it with a decimal point."),
    "E498": Message(
        "{path} cannot go on: {fix} is not what it was when it began",
        "Bring it back as it was, or train anew with it: trainwright train DATA --fix FILE.",
    ),
    "E499": Message(
        "{path} is there already, and a person may have edited it",
        "Name another file: --out FILE, or remove this one.",
    ),
    # training refused
    "E501": Message(
        "the {quantity} of step {step} is not finite; the update was not made",
        "Lower lr, add clip=1, look at the rows named, or go on without such updates: on_nonfinite=skip.",
    ),
    "E502": Message(
        "after step {step} a parameter, a buffer, or what the optimiser remembers is not finite; it was not saved",
        "Lower lr or add clip=1; the last checkpoint is as it was.",
    ),
    "E503": Message(
        "{count} updates in a row were refused, the last at step {step}: its {quantity} is not finite",
        "Lower lr, add clip=1, or look at the rows named.",
    ),
    "E504": Message(
        "memory ran out on the device, and there is not enough for {what}",
        "Lower batch_size (of a language model also context), take a smaller model, or device=cpu.",
    ),
    # suspect labels
    "E525": Message(
        "{path} holds trainings for suspect labels whose {what} are others",
        "Go on with them by the run and --folds that they were begun with, or name another folder: --folder FOLDER.",
    ),
    # boosted trees
    "E540": Message("model=boosted takes no {key}={value}: {why}", "Leave it out, or take another model: model=mlp."),
    "E541": Message(
        "model=boosted does not go on from an earlier run: each of its trees is grown against the errors of those before",
        "Train anew, on the rows of both. A run that was stopped goes on: trainwright resume RUN",
    ),
    "E542": Message(
        "model=boosted has no column to ask for",
        "Name columns with numbers, dates, categories or words that recur: features=NAME,NAME.",
    ),
    "E543": Message(
        "this follows gradients, and no gradient moves model={model}",
        "Train another model on the same data for it: model=mlp.",
    ),
    # how a model is trained: groups of parameters, averages, losses, precision
    "E550": Message("rates: the model has no module or parameter '{name}'", "It has: {known}."),
    "E551": Message(
        "Muon was given parameters without a word on which of them are hidden matrices",
        "Give it groups: trainwright.Muon(trainwright.parameter_groups(model), lr=0.002).",
    ),
    "E552": Message("ema is given, and {name} keeps averages of its own", "Leave ema out, or take another optimizer."),
    "E553": Message("class_weights: there is no class '{name}' in the training rows", "There is: {known}."),
    "E554": Message("float16 cannot be computed in here: {why}", "Take precision=bfloat16, or float32."),
    # rows judged out of fold
    "E570": Message(
        "folds={folds} judges every training row out of fold, and there are rows for validation too",
        "Leave one out: folds, or the validation rows.",
    ),
    "E571": Message(
        "folds={folds} would mix rows that {split} keeps apart by time",
        "Leave folds out: the rows for validation are later than those of training.",
    ),
    # a model or data of the person's own
    "E601": Message(
        "data of type {found} cannot be trained on",
        "Give a tuple of tensors or arrays, a Dataset, a DataLoader or an iterable of batches.",
    ),
    "E602": Message(
        "the data is an iterator, which is used up after one epoch",
        "Give something that can be iterated again: a list, a DataLoader, or an object with __iter__.",
    ),
    "E603": Message("a batch is a {found}, not a tuple of inputs and targets", "Let each batch be (inputs, targets)."),
    "E604": Message(
        "the arrays have different lengths: {lengths}", "Every input and the targets must have one entry for each row."
    ),
    "E605": Message(
        "outputs of shape {outputs} and targets of shape {targets} would be broadcast against each other",
        "Give both the same shape: reshape the targets, or squeeze the model's output.",
    ),
    "E606": Message("the loss has reduction='{found}'", "Give it reduction='mean'; sums and counts are kept for you."),
    "E607": Message("an epoch has no batches", "The data must have at least one row."),
    "E608": Message(
        "the optimizer is a {found}",
        "Give an instance of torch.optim that needs no closure: torch.optim.SGD(model.parameters(), lr=0.1).",
    ),
    "E609": Message("the optimizer holds no parameter of this model", "Make it from model.parameters()."),
    "E610": Message(
        "it cannot be told which part of a batch with the keys {keys} is the targets",
        'Name its key: target="labels". Without that, exactly one of targets, target, labels, label and y must be there, '
        "beside the inputs.",
    ),
    "E611": Message("a batch has no key '{name}' for its targets", "Its keys: {keys}."),
    "E612": Message(
        "a tuple of tuples could be batches, or inputs and targets",
        "Give batches as a list: [(inputs, targets), ...]. Give several targets in a dict: "
        '{{"x": inputs, "targets": (first, second)}}.',
    ),
    "E613": Message(
        "an array of type {dtype} cannot become a tensor", "Give numbers: array.astype('float32'), or int64 for classes."
    ),
    "E614": Message(
        "state= is given, but {problem}",
        "Such a model is called as model(*inputs, state), with batches that are tuples, and returns (outputs, state).",
    ),
    "E615": Message(
        "the outputs of the batches cannot be put together: {problem}",
        "They must differ in their first dimension only: pad all batches to one length, or predict them one by one.",
    ),
    "E616": Message("metric '{name}' gave a {found}, not a number", "Return a float or a tensor with a single number."),
    "E617": Message(
        "it cannot be told whether the data to predict hold targets: {why}",
        "Say targets=True (they are left out) or targets=False.",
    ),
    "E618": Message(
        "the loader {problem}, so its outputs would not be those of the rows in order",
        "Give the data set itself, or a DataLoader with shuffle=False and drop_last=False.",
    ),
    "E619": Message("metrics are measured on validation rows, and there are none", "Give some: valid=(inputs, targets)."),
    # what does not fit together in them
    "E620": Message("the targets are {found}; {loss} wants {wanted}", "Convert the targets y: {line}."),
    "E621": Message(
        "label {label} is no class number: the model has {count} outputs, for 0 to {last}",
        "Class numbers are the places of the outputs.",
    ),
    "E622": Message(
        "the model returns a {found}, and {loss} takes a tensor",
        "Wrap the model in one that returns outputs{pick}, or let the loss take it: "
        "loss=lambda outputs, y: nn.{loss}()(outputs{pick}, y). A hidden state is carried with state=...",
    ),
    "E623": Message(
        "the model cannot be called with the inputs of a batch ({given}): {problem}",
        "Everything in a batch but its targets is given to forward.",
    ),
    "E624": Message("{layer} takes {own}, and was given {found}", "Convert the inputs x: {line}."),
    "E625": Message("{layer} cannot take an input of shape {shape}", "torch says: {problem}."),
    "E626": Message(
        "{layer} cannot normalise a batch of one row in training",
        "Choose a batch_size that leaves no single row over, or give a DataLoader with drop_last=True.",
    ),
    "E627": Message(
        "nothing can be trained: no parameter that the optimizer has requires a gradient",
        "Switch some on: parameter.requires_grad_(True).",
    ),
    "E628": Message(
        "the loss does not depend on any parameter",
        "Something cuts the way back: detach(), item(), numpy(), argmax or torch.no_grad in forward or loss.",
    ),
    "E629": Message("the loss is a {found}, not a tensor with one number", "Return a mean over the rows: losses.mean()."),
    "E630": Message(
        "{layer} has the entries 0 to {last}, and was asked for {value}", "Give nn.Embedding one more than the largest number."
    ),
    "E631": Message(
        "outputs of shape {shape} have no place for classes: {loss} wants one output a class, (rows, classes)",
        "For two classes and one output: BCEWithLogitsLoss with targets y.float() of the shape of the outputs.",
    ),
    "E632": Message(
        "target {value} is no probability: {loss} wants numbers from 0 to 1",
        "Of -1 and 1 make (y + 1) / 2; for more than two classes take CrossEntropyLoss.",
    ),
    "E633": Message(
        "the outputs go from {low} to {high}, and BCELoss takes probabilities",
        "Take BCEWithLogitsLoss, or end the model with a sigmoid.",
    ),
    "E634": Message(
        "outputs of shape {outputs} and targets of shape {targets} differ in their number of rows",
        "The model must give one output for each row: look at view and reshape in its forward, such as x.flatten(1).",
    ),
    "E635": Message(
        "no loss is given, so the model is called with the inputs and the targets ({given}), and cannot be: {problem}",
        "Give one: loss=nn.CrossEntropyLoss(). Without loss= the model gets inputs and targets, and has to return its loss.",
    ),
    # a step, a loss and trackers of the person's own
    "E640": Message("{one} and {other} do not go together: {why}", "Leave one of them out."),
    "E641": Message(
        "no loss is given, and the model returns a {found} without one",
        "Give loss=..., a function of outputs and targets, or let the model return an object or a dict with a loss.",
    ),
    "E642": Message(
        "part '{name}' of the loss is a {found}, not a tensor with one number",
        "Return a dict of means over the rows: {{'reconstruction': a.mean(), 'kl': b.mean()}}.",
    ),
    "E643": Message(
        "update.minimize and update.clip were given a {found} that fit does not know; it was given {count} optimizer(s)",
        "Name one of those of fit(..., optimizer={{...}}): update.minimize(loss, optimizer).",
    ),
    "E644": Message(
        "step returned {found}",
        "Let it return its loss, a number or a tensor with one, or a dict of such with a 'loss': "
        "{{'loss': d + g, 'd': d, 'g': g}}.",
    ),
    "E645": Message(
        "LBFGS asks for the loss several times within an update",
        "Write the step: def step(batch, update): x, y = batch; return update.minimize(lambda: loss(model(x), y)). "
        "Then fit(..., step=step).",
    ),
    "E646": Message(
        "tw.fit is gone through inside of torch.autocast, which would set types in what fit computes, validation too",
        "Leave the autocast out and say precision='bfloat16'; an autocast in the model's forward is fine.",
    ),
    "E647": Message("{verb} has no argument '{name}'", "help(trainwright.fit) lists them."),
    "E650": Message("no tracker is called '{name}'", "Take one or several of {known}."),
    "E651": Message("the tracker {name} is not installed", 'Install it: pip install "trainwright[{name}]".'),
}
