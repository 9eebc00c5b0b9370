from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from ray_tasks.models.vector_cache import CachedEmbedder
from tests.ray_tasks.embedders import BagOfWordsEmbedder


def test_nothing_is_embedded_twice_and_a_cache_changes_nothing(tmp_path: Path) -> None:
    inner = BagOfWordsEmbedder()
    path = tmp_path / "cache" / "vectors.sqlite"
    first = CachedEmbedder(inner, path).embed(["a b", "c", "a b"])
    assert inner.texts_embedded == 2
    again = CachedEmbedder(inner, path).embed(["c", "a b", "d"])
    assert inner.texts_embedded == 3
    np.testing.assert_array_equal(again[:2], first[[1, 0]])
    np.testing.assert_allclose(first, BagOfWordsEmbedder().embed(["a b", "c", "a b"]), atol=1e-3)


def test_another_model_has_other_vectors(tmp_path: Path) -> None:
    inner, other = BagOfWordsEmbedder(), BagOfWordsEmbedder()
    other.revision = "another"
    CachedEmbedder(inner, tmp_path / "v.sqlite").embed(["a"])
    CachedEmbedder(other, tmp_path / "v.sqlite").embed(["a"])
    assert other.texts_embedded == 1


def test_several_processes_open_one_file_at_once(tmp_path: Path) -> None:
    """As the actors of a stage do; the first one to come makes the file."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom ray_tasks.models.vector_cache import CachedEmbedder\n"
        "from tests.ray_tasks.embedders import BagOfWordsEmbedder\nsys.stdin.readline()\n"
        "for i in range(150):\n"
        "    CachedEmbedder(BagOfWordsEmbedder(), Path(sys.argv[1]) / f'{i}.sqlite').embed([sys.argv[2], 'b'])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    each = [subprocess.Popen([*command, name], stdin=subprocess.PIPE, text=True) for name in "xyz"]
    for process in each:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    assert [process.wait(60) for process in each] == [0, 0, 0]


def test_a_file_that_grew_too_large_loses_half_and_grows_no_further(tmp_path: Path) -> None:
    path, texts = tmp_path / "v.sqlite", [f"text {n}" for n in range(2000)]
    CachedEmbedder(BagOfWordsEmbedder(), path).embed(texts)
    size = path.stat().st_size
    for _ in range(3):
        again = BagOfWordsEmbedder()
        CachedEmbedder(again, path, most_bytes=size // 2).embed(texts)
        assert 800 < again.texts_embedded < 1200
        assert path.stat().st_size < 1.3 * size
    kept = BagOfWordsEmbedder()
    CachedEmbedder(kept, path).embed(texts)
    assert kept.texts_embedded == 0
