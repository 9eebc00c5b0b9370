"""Measures how well personas are found: recall@1, 3, 5 and nDCG@5 against baselines, on four shops.

`python -m jobs.evaluate_personas` prints the table and stores it as `persona_evaluation` under --state. With --fit the
weights in ray_tasks/personas/weights.toml are fitted anew first, on each shop's past alone. With --config a model is
asked too: what its opinions are worth is fitted on the same past, kept as --record, and judged beside the rest.

This command makes the cases, with the functions that count segments and affinities at night: jobs know Spark and the
feeds. Scores are made and judged by `python -m ray_tasks.personas.evaluate` in a process of its own, which sees of a
case what a night would have seen; ray_tasks know models, and neither imports the other.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.settings import load_config
from infra.spark import spark_session
from jobs.persona_cases import demo_store, shops
from jobs.persona_cases.split import FOLDS, write_fold

LOG = logging.getLogger("jobs.evaluate_personas")
CONFIG = demo_store.CONFIG


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the cases, then fits (if asked to) and evaluates; the exit status of the last."""
    parser = argparse.ArgumentParser(
        prog="python -m jobs.evaluate_personas", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("STATE") or "var"))
    parser.add_argument(
        "--data-root", type=Path, default=Path(os.environ.get("DATA_ROOT") or "../shared/data")
    )
    parser.add_argument("--fit", action="store_true", help="fit the weights anew before")
    parser.add_argument("--keep-cases", action="store_true", help="use the cases of the last run")
    parser.add_argument("--config", type=Path, help="judge the opinions of its writer.model beside the rules")
    parser.add_argument("--record", type=Path, help="where personas.measured finds what they are worth")
    parser.add_argument("--products", type=int, help="judge so many of each case, all when left out")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    cases = args.state.resolve() / "evaluation" / "personas"
    if not args.keep_cases:
        shutil.rmtree(cases, ignore_errors=True)
        make_cases(args.state.resolve(), args.data_root, cases)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    steps = [["fit"]] if args.fit else []
    judged = ["evaluate", "--state", str(args.state.resolve())]
    for name in ("config", "record", "products"):
        if (value := getattr(args, name)) is not None:
            judged += [f"--{name}", str(value)]
    for step in [*steps, judged]:
        command = [sys.executable, "-m", f"ray_tasks.personas.{step[0]}", "--cases", str(cases), *step[1:]]
        if status := subprocess.run(command, env=environment, check=False).returncode:
            return status
    return 0


def make_cases(state: Path, data_root: Path, folder: Path) -> None:
    """Writes the cases of all four shops below `folder`; shops whose data is not below `data_root` are left out."""
    spark = spark_session(load_config(CONFIG).engines, state)
    made = [shops.sample_shop(spark)]
    if data_root.is_dir():
        made += [shops.complete_journey(spark, data_root), shops.online_retail(spark, data_root)]
    else:
        LOG.warning("%s does not exist: only the sample shop is evaluated", data_root)
    for shop in made:
        for fold in range(FOLDS):
            # A small shop needs all its folds to fit on; a large one has enough products in one.
            write_fold(spark, shop, fold, folder, fit=fold == 0 or len(shop.products) < 500)
            LOG.info("%s: fold %d of %d", shop.name, fold + 1, FOLDS)
    if data_root.is_dir():
        demo_store.write_cases(spark, data_root, folder)
        LOG.info("%s: all cases", demo_store.NAME)
    spark.stop()


if __name__ == "__main__":
    sys.exit(main())
