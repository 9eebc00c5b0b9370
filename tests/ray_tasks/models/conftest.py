from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small are only slowed down by more threads."""
    import torch

    torch.set_num_threads(1)
