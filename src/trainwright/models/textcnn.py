"""``textcnn``: convolutions of several widths over the tokens, the maximum over time, a linear classifier (Kim 2014,
arXiv:1408.5882).

Shapes: values (tokens,) int32; offsets (batch,) int32, the first token of each text; logits (batch, classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwright.data.shapes import TextShape
from trainwright.models.catalog import TextCNNSettings
from trainwright.models.layers import pad


class TextCNN(nn.Module):
    """The network ``textcnn``."""

    def __init__(self, settings: TextCNNSettings, shape: TextShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, settings.embedding, padding_idx=0)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(settings.embedding, settings.filters, width, padding=width - 1) for width in settings.widths
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(settings.filters * len(settings.widths), shape.outputs)

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        """Return the logits of each text. The maximum leaves padding out, so the batch's other texts do not matter."""
        ids, lengths = pad(values, offsets)
        embedded = self.embedding(ids).transpose(1, 2)  # (batch, embedding, time)
        maxima = [_masked_max(torch.relu(convolve(embedded)), lengths) for convolve in self.convolutions]
        logits: Tensor = self.classifier(self.dropout(torch.cat(maxima, dim=1)))
        return logits

    def init_weights(self) -> None:
        """Draw embeddings normal with deviation 0.1; the rest as torch does, biases of the classifier zero."""
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.embedding.weight[0].detach())
        nn.init.zeros_(self.classifier.bias)


def _masked_max(features: Tensor, lengths: Tensor) -> Tensor:
    """Return the maximum over the windows that touch the text, of features (batch, filters, time + padding)."""
    beyond = features.shape[2] - int(lengths.max())
    times = torch.arange(features.shape[2], device=features.device)
    outside = times[None, :] >= (lengths + beyond)[:, None]
    return features.masked_fill(outside[:, None, :], 0.0).amax(dim=2)
