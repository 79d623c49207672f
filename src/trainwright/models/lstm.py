"""``lstm``: a recurrent network over the tokens (Hochreiter and Schmidhuber 1997).

For texts: the maximum of its states over time, a linear classifier (as in Conneau et al. 2017, arXiv:1705.02364). Shapes:
values (tokens,) int32; offsets (batch,) int32, the first token of each text; logits (batch, classes).

For language: it carries its state from batch to batch and predicts the next token, with dropout on the non-recurrent
connections only (Zaremba et al. 2014, arXiv:1409.2329). Shapes: ids (batch, time) int64; features (batch, time, width); state:
two tensors (layers, batch, hidden).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from trainwright.data.shapes import TextShape, TokenShape
from trainwright.models.catalog import LSTMSettings
from trainwright.models.layers import pad
from trainwright.models.protocols import State, TrainingHooks


class LSTMClassifier(nn.Module):
    """The network ``lstm`` for texts."""

    def __init__(self, settings: LSTMSettings, shape: TextShape) -> None:
        super().__init__()
        assert settings.embedding and settings.hidden and settings.layers and settings.dropout is not None  # derived by now
        self.embedding = nn.Embedding(shape.vocabulary, settings.embedding, padding_idx=0)
        options = {"batch_first": True, "bidirectional": settings.bidirectional}
        between = settings.dropout if settings.layers > 1 else 0.0
        self.lstm = nn.LSTM(settings.embedding, settings.hidden, settings.layers, dropout=between, **options)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(settings.hidden * (1 + settings.bidirectional), shape.outputs)

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        """Return the logits of each text. States beyond a text's end are left out, so the batch's other texts do not matter."""
        ids, lengths = pad(values, offsets)
        packed = pack_padded_sequence(self.embedding(ids), lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, padding_value=-torch.inf)
        logits: Tensor = self.classifier(self.dropout(states.amax(dim=1)))
        return logits

    def init_weights(self) -> None:
        """Draw embeddings normal with deviation 0.1; open the forget gates (Jozefowicz et al. 2015); the rest as torch does."""
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.embedding.weight[0].detach())
        nn.init.zeros_(self.classifier.bias)
        _open_forget_gates(self.lstm)


class LSTMLanguageModel(nn.Module, TrainingHooks):
    """The network ``lstm`` for language. A projection adapts the state to tied weights of another size (Inan et al. 2017)."""

    is_stateful = True

    def __init__(self, settings: LSTMSettings, shape: TokenShape) -> None:
        super().__init__()
        assert settings.embedding and settings.hidden and settings.layers  # derived by now
        assert settings.dropout is not None and settings.tied is not None
        self.init_range = settings.init_range
        self.embedding = nn.Embedding(shape.vocabulary, settings.embedding)
        self.dropout = nn.Dropout(settings.dropout)
        between = settings.dropout if settings.layers > 1 else 0.0
        self.lstm = nn.LSTM(settings.embedding, settings.hidden, settings.layers, dropout=between)
        projected = settings.tied and settings.embedding != settings.hidden
        self.projection = nn.Linear(settings.hidden, settings.embedding, bias=False) if projected else None
        self.decoder = None if settings.tied else nn.Parameter(torch.empty(shape.vocabulary, settings.hidden))
        self.bias = nn.Parameter(torch.empty(shape.vocabulary))

    @property
    def sparse_tables(self) -> tuple[nn.Embedding, ...]:
        """Return the embedding; nothing where it is tied to the output layer, which needs all its rows."""
        return () if self.decoder is None else (self.embedding,)

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the features of each token and the state after the last; without a state it starts from zeros."""
        embedded = self.dropout(self.embedding(ids.T))  # time first, which is how the recurrence reads it
        features, after = self.lstm(embedded, state)
        features = self.dropout(features)
        if self.projection is not None:
            features = self.projection(features)
        return features.transpose(0, 1), after

    def output(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the output layer; tied, the weight is the embedding's."""
        return self.embedding.weight if self.decoder is None else self.decoder, self.bias

    def start(self, batch: int, device: torch.device) -> State:
        """Return zeros."""
        zeros = torch.zeros(self.lstm.num_layers, batch, self.lstm.hidden_size, device=device)
        return zeros, zeros.clone()

    def init_weights(self) -> None:
        """Draw all weights uniform in +- ``init_range``.

        Without one: embedding and output normal with deviation 0.1, bias zero, forget gates open (Jozefowicz et al. 2015), the
        rest as torch does.
        """
        if self.init_range:
            for parameter in self.parameters():
                nn.init.uniform_(parameter, -self.init_range, self.init_range)
            return
        for weight in {id(each): each for each in (self.embedding.weight, self.output()[0])}.values():
            nn.init.normal_(weight, std=0.1)
        nn.init.zeros_(self.bias)
        _open_forget_gates(self.lstm)


def _open_forget_gates(lstm: nn.LSTM) -> None:
    """Set the biases of the forget gates to one (Jozefowicz et al. 2015)."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias_ih"):
            nn.init.ones_(parameter.detach()[lstm.hidden_size : 2 * lstm.hidden_size])
