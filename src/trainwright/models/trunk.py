"""The hidden layers that the feed-forward networks for images and tables share."""

from __future__ import annotations

from torch import nn

from trainwright.models.catalog import MLPSettings

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


class Trunk(nn.Sequential):
    """Hidden layers, each linear, activation, dropout: (batch, width) to (batch, ``self.width``). None return their input."""

    def __init__(self, settings: MLPSettings, width: int) -> None:
        assert settings.hidden is not None and settings.dropout is not None  # derived by now
        layers: list[nn.Module] = []
        for hidden in settings.hidden:
            layers += [nn.Linear(width, hidden), ACTIVATIONS[settings.activation]()]
            layers += [nn.Dropout(settings.dropout)] if settings.dropout else []
            width = hidden
        super().__init__(*layers)
        self.width, self.gain = width, nn.init.calculate_gain("tanh" if settings.activation == "tanh" else "relu")

    def init_weights(self) -> None:
        """Draw normal, so that activations keep their size over the layers (He et al. 2015, arXiv:1502.01852); biases zero."""
        for layer in self:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=self.gain / layer.in_features**0.5)
                nn.init.zeros_(layer.bias)
