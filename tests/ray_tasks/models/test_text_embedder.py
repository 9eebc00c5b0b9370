from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.models.text_embedder import (
    MiniLMEmbedder,
    RememberingEmbedder,
    TransformersEmbedder,
    packaged_minilm,
)
from tests.ray_tasks.embedders import BagOfWordsEmbedder

TEXTS = ["Black coffee", "A cold brew without sugar, ready to drink " * 8, "Trail shoes for wet meadows", ""]


@pytest.fixture(scope="module")
def minilm() -> MiniLMEmbedder:
    return MiniLMEmbedder()


def test_numpy_forward_pass_is_the_one_of_transformers(minilm: MiniLMEmbedder) -> None:
    reference = TransformersEmbedder(str(packaged_minilm()))
    np.testing.assert_allclose(minilm.embed(TEXTS), reference.embed(TEXTS), atol=1e-5)
    assert reference.embed([]).shape == (0, 384)


def test_vectors_have_length_one_and_do_not_depend_on_company(minilm: MiniLMEmbedder) -> None:
    together = minilm.embed(TEXTS)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together[0], minilm.embed(TEXTS[:1])[0], atol=1e-5)
    assert minilm.embed([]).shape == (0, 384)


def test_meaning_is_near(minilm: MiniLMEmbedder) -> None:
    coffee, espresso, shoe = minilm.embed(["black coffee", "a cup of espresso", "waterproof hiking boots"])
    assert coffee @ espresso > 0.5 > coffee @ shoe


def test_a_hub_model_needs_a_pinned_revision() -> None:
    with pytest.raises(ValueError, match="pin a revision"):
        TransformersEmbedder("someone/some-model")


def test_each_distinct_text_is_embedded_once() -> None:
    inner = BagOfWordsEmbedder()
    embedder = RememberingEmbedder(inner, capacity=3)
    first = embedder.embed(["a b", "c", "a b"])
    assert inner.texts_embedded == 2
    np.testing.assert_array_equal(embedder.embed(["c", "a b"]), first[[1, 0]])
    assert inner.texts_embedded == 2
    embedder.embed(["d", "e"])
    assert inner.texts_embedded == 4, "the full memory was not emptied before it took more"
