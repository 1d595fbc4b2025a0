# SPDX-License-Identifier: BSD-2-Clause
"""What most end-to-end tests begin with."""

import pytest

from netns import VethPair


@pytest.fixture
def pair():
    """Two nodes back to back, for one test."""
    with VethPair() as p:
        yield p
