"""Steps of flow-matching models (Lipman et al. 2023; the shift with size: Esser et al. 2024, section 5.3.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

PACKED_PX = 16
"""Autoencoder times patch: sides of pictures are multiples of it."""


def start_steps(scheduler: Any, steps: int, tokens: int) -> torch.Tensor:
    """(steps,) times from 1000 down, shifted for a picture of so many tokens; the scheduler is at the first."""
    settings = scheduler.config
    few, many = settings.get("base_image_seq_len", 256), settings.get("max_image_seq_len", 4096)
    low, high = settings.get("base_shift", 0.5), settings.get("max_shift", 1.15)
    shift = low + (tokens - few) * (high - low) / (many - few)
    # On the CPU: the card need not be asked which step it is.
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps).tolist(), device="cpu", mu=shift)
    scheduler.set_begin_index(0)
    return torch.as_tensor(scheduler.timesteps)
