"""The engine, its models and their benchmarks run without Ray, Spark, Delta or Skia: so they can be measured alone."""

from __future__ import annotations

import subprocess
import sys

ALONE = """
import sys
for name in ("ray", "pyspark", "airflow", "deltalake", "skia"):
    sys.modules[name] = None  # importing it raises
import pkgutil
import ray_tasks.engine
for module in pkgutil.iter_modules(ray_tasks.engine.__path__, "ray_tasks.engine."):
    __import__(module.name)
import ray_tasks.models.diffusion_scene
import ray_tasks.models.edit_painter
import ray_tasks.models.judge
import ray_tasks.models.unet_painter
import ray_tasks.models.vision_language
import ray_tasks.models.z_image_painter
import tests.benchmarks.generation
import tests.benchmarks.understanding
print(sorted(name for name in sys.modules if name.startswith("ray_tasks.engine.")))
"""


def test_engine_and_models_need_no_ray() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ray_tasks.engine.generate" in done.stdout
