"""Runs that the tests of tables share."""

from __future__ import annotations

import pytest
from house_samples import KINDS, csv, fit


@pytest.fixture(scope="module")
def price_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prices")
    return fit(csv(folder), folder, task="auto")


@pytest.fixture(scope="module")
def kind_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    return fit(csv(folder, KINDS), folder, task="auto", label="kind")
