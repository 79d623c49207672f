"""``lstm`` for language: a recurrent network that carries its state from batch to batch and predicts the next token (Zaremba
et al. 2014, arXiv:1409.2329: dropout on the non-recurrent connections only).

Shapes: ids (batch, time) int64; features (batch, time, width); state: two tensors (layers, batch, hidden).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwright.data.shapes import TokenShape
from trainwright.models.catalog import LSTMSettings
from trainwright.models.lstm import open_forget_gates
from trainwright.models.protocols import State, TrainingHooks


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
        self.lstm = nn.LSTM(
            settings.embedding,
            settings.hidden,
            settings.layers,
            dropout=settings.dropout if settings.layers > 1 else 0.0,
        )
        projected = settings.tied and settings.embedding != settings.hidden
        self.projection = nn.Linear(settings.hidden, settings.embedding, bias=False) if projected else None
        self.decoder = None if settings.tied else nn.Parameter(torch.empty(shape.vocabulary, settings.hidden))
        self.bias = nn.Parameter(torch.empty(shape.vocabulary))

    @property
    def sparse_table(self) -> nn.Embedding | None:
        """Return the embedding; None where it is tied to the output layer, which needs all its rows."""
        return None if self.decoder is None else self.embedding

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
        open_forget_gates(self.lstm)
