"""``lstm`` for texts: a recurrent network over the tokens, the maximum of its states over time, a linear classifier (Hochreiter
and Schmidhuber 1997; max pooling as in Conneau et al. 2017, arXiv:1705.02364).

Shapes: values (tokens,) int32; offsets (batch,) int32, the first token of each text; logits (batch, classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from trainwright.data.shapes import TextShape
from trainwright.models.catalog import LSTMSettings
from trainwright.models.padding import pad


class LSTMClassifier(nn.Module):
    """The network ``lstm`` for texts."""

    def __init__(self, settings: LSTMSettings, shape: TextShape) -> None:
        super().__init__()
        assert settings.embedding and settings.hidden and settings.layers and settings.dropout is not None  # derived by now
        self.embedding = nn.Embedding(shape.vocabulary, settings.embedding, padding_idx=0)
        self.lstm = nn.LSTM(
            settings.embedding,
            settings.hidden,
            settings.layers,
            batch_first=True,
            bidirectional=settings.bidirectional,
            dropout=settings.dropout if settings.layers > 1 else 0.0,
        )
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
        open_forget_gates(self.lstm)


def open_forget_gates(lstm: nn.LSTM) -> None:
    """Set the biases of the forget gates to one (Jozefowicz et al. 2015)."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias_ih"):
            nn.init.ones_(parameter.detach()[lstm.hidden_size : 2 * lstm.hidden_size])
