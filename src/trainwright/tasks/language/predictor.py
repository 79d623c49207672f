"""A trained language model in use, how well it says the next token, and what its bundle may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field

from trainwright.config.settings import MOST_CONTEXT
from trainwright.data.files.folders import is_path
from trainwright.data.read import documents, running_text
from trainwright.data.read.formats import names_file
from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW, Table, files_of
from trainwright.data.tables.text_columns import join_text
from trainwright.data.text.alike import token_digests
from trainwright.data.text.passages import of_each_token, passages
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.errors import error
from trainwright.tasks.base import FilePredictions, Predictor, texts_of, whole_texts
from trainwright.tasks.bundle_schema import Arrays, CommonSchema, Count, Distinct, Schema
from trainwright.tasks.seen import NEW, TRAINED, UNKNOWN, VALIDATED, apart
from trainwright.watch import metrics

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.evaluation.perplexity import Sums
    from trainwright.store.bundle import Bundle
    from trainwright.store.fingerprints import Fingerprints
    from trainwright.watch.explained.explanation import Explanation, Rule

BITS = {"characters": "character", "bytes": "byte"}  # tokenizers whose tokens are worth counting in bits
BATCH = 32  # windows measured at a time
# Of an LSTM, which could read without end: the window it is measured on, and how much of it only warms up its state.
LSTM_WINDOW, LSTM_WARM = 640, 128


class TokenValues(Schema):
    """``TokenEncoder`` without its tokens."""

    tokenizer: Literal["words", "characters", "bytes", "bpe"]
    min_count: Count
    max_vocabulary: Count
    bpe: str


class DocumentColumns(Schema):
    text: Distinct


class LanguageBundle(CommonSchema):
    """Language models. Their tokens are compared with the tokeniser by the encoder."""

    context: Annotated[int, Field(ge=1, le=MOST_CONTEXT)]
    columns: DocumentColumns = DocumentColumns(text=[])  # of tables alone; earlier bundles say none
    encoder: TokenValues

    def arrays(self, kept: Bundle) -> Arrays:
        return {}


class LanguagePredictor(Predictor):
    """A language model: it says what comes next, and goes on with a text."""

    task = "language"
    item = "text"
    encoder_type = TokenEncoder

    def __init__(self, kept: Bundle) -> None:
        from trainwright.tasks.language.generate import TextGenerator

        super().__init__(kept)
        self.context: int = kept.meta["context"]
        self._options = DERIVED
        self._columns = tuple(kept.meta.get("columns", {}).get("text", ()))
        self.shape = self.encoder.shape()
        self._generator = TextGenerator(self.model, self.encoder, self.context, self.device)

    def base(self) -> dict[str, Any]:
        """Return how texts become tokens, and how many are looked back at."""
        return {"tokenizer": self.encoder.tokenizer, "context": self.context}

    def reading(self, said: Mapping[str, str]) -> Self:
        found = copy(self)
        found._options = ReadOptions(encoding=said.get("encoding", ""))
        return found

    @staticmethod
    def takes_file(word: str) -> bool:
        return is_path(word) or names_file(word)

    def items_of(self, table: Table) -> list[str]:
        return texts_of(table, self._columns or documents.text_columns(table)[0])

    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """Return the ``top`` most probable next tokens of each text, with their probabilities."""
        found = []
        for text in whole_texts(items):
            shares, places = self._next(text).softmax(dim=-1).topk(min(top, self.encoder.size))
            found.append([(self.encoder.tokens[i], p) for i, p in zip(places.tolist(), shares.tolist(), strict=True)])
        return found

    def explain(self, item: Any, truth: Any, rule: Rule) -> Explanation:
        """Return how surprising each token is, what may come next, and the update by the loss of the next token."""
        from trainwright.tasks.language.explain import Said, explain

        (text,) = whole_texts([item])
        ids = self.encoder.behind_line_end(text)
        sums, seen = measure(self.model, ids, self.context, self.device), self._looked_back_at(ids)
        return explain(self, Said(text, ids, sums, seen, self._generator.logits(seen)[0].numpy()), truth, rule)

    def _looked_back_at(self, ids: np.ndarray) -> list[int]:
        """Return the last of the ids of a text: those that the next token is told from."""
        longest = LSTM_WINDOW if self.model.is_stateful else self.context
        found: list[int] = ids[-longest:].astype(np.int64).tolist()
        return found

    def _next(self, text: str) -> torch.Tensor:
        """Return the logits of the token after a text: float32, shape (vocabulary,), on the CPU."""
        return self._generator.logits(self._looked_back_at(self.encoder.behind_line_end(text)))[0]

    def predict_file(self, *paths: Path, top: int = 1) -> FilePredictions:
        """Return the next token of every line of a text, or of every row of a table."""
        import polars as pl

        if documents.holds_documents(paths[0]):
            table = read_table(paths[0], self._options)
            texts = join_text(table.frame, self._text_columns(table)).to_list()
            return FilePredictions(table.frame.drop(ROW), table.frame[ROW].to_list(), self.predict(texts, top), [])
        lines = running_text.read_text(paths, named=self._options.encoding).removesuffix("\n").split("\n")
        frame = pl.DataFrame({"text": lines})
        return FilePredictions(frame, list(range(1, len(lines) + 1)), self.predict(lines, top), [])

    def score(self, path: Path | Table, seen: Fingerprints | None = None) -> dict[str, Any]:
        """Measure every token of a text, or of the text column of a table. What is known again are passages."""
        if isinstance(path, Table) or documents.holds_documents(path):
            table = read_table(path, self._options)
            text, read = documents.text_of([table], self._text_columns(table))[0], list(files_of(table.file))
        else:
            files = running_text.find_corpus(path).files
            part = next(name for name in ("test", "valid", "train") if name in files)
            text, read = running_text.read_text(files[part], named=self._options.encoding), [str(each) for each in files[part]]
        if not text:
            raise error("E161", files=", ".join(read[:3]))
        ids = self.encoder.behind_line_end(text)
        sums = measure(self.model, ids, self.context, self.device)
        names = metrics.computed("token", BITS.get(self.encoder.tokenizer, ""))
        more = {"rejected": 0, "unknown": self.encoder.unknown(ids[1:], text), "files": read}

        def measured(which: np.ndarray, all_told: bool) -> dict[str, Any]:
            part = sums.of(which, ids[1:])
            return part.report() | metrics.compute(names, part.loss)

        if seen is None:
            return sums.report() | metrics.compute(names, sums.loss) | more | UNKNOWN
        return apart(self._seen(ids, seen), {"other_label": 0, "tested_on": 0}, measured) | more

    def _seen(self, ids: np.ndarray, seen: Fingerprints) -> np.ndarray:
        """Return which tokens stand in passages that were trained or validated on."""
        ends, digests = passages_of(ids[1:], self.encoder)
        trained, valid = (of_each_token(ends, digests, each) for each in (seen.trained(), seen.of("valid")))
        return np.where(trained, TRAINED, np.where(valid, VALIDATED, NEW))

    def _text_columns(self, table: Table) -> tuple[str, ...]:
        """Return the columns that training used, where the table has them, else those that can be told. Raise E203."""
        known = bool(self._columns) and set(self._columns) <= set(table.columns)
        return documents.text_columns(table, self._columns if known else ())[0]

    def generate(self, prompt: str, tokens: int, **sampling: Any) -> Iterator[str]:
        """Yield the text that goes on after ``prompt``, piece by piece; the same for the same arguments."""
        return self._generator.generate(prompt, tokens, **sampling)


def passages_of(ids: np.ndarray, encoder: TokenEncoder) -> tuple[np.ndarray, np.ndarray]:
    """Return where the passages of a text end, and their digests, whatever the numbers of its tokens are."""
    return passages(token_digests(encoder.tokens)[ids], encoder.tokenizer)


def measure(model: nn.Module, ids: np.ndarray, context: int, device: torch.device) -> Sums:
    """Measure every token once, by windows that do not depend on how they are batched."""
    from trainwright.data.batches.tokens import evaluation_windows
    from trainwright.evaluation import perplexity

    width, warm = evaluation_window(bool(model.is_stateful), context)
    windows = evaluation_windows(ids, batch_size=BATCH, width=width, warm=warm, device=device)
    return perplexity.measure(model, model.output, windows)  # type: ignore[arg-type]


def evaluation_window(stateful: bool, context: int) -> tuple[int, int]:
    """Return the tokens of a window, and how many of them are read before the first that counts.

    A transformer sees windows of the length that it was trained with, half of it before the first token that counts.
    """
    return (LSTM_WINDOW, LSTM_WARM) if stateful else (context, context // 2)
