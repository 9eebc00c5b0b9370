"""Values on their way to the card."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def to_card(values: NDArray[np.uint8] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """The values on `device`. On CUDA nobody waits: a copy from ordinary memory would, for all that is painted before.

    PyTorch ends such a copy by waiting for the whole stream; from pinned memory it only queues it.
    """
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)
