"""Everything that needs a card, in one run: preflight, pictures and products a second, worth of judge and opinions.

    python -m tests.benchmarks.card --config infra/config/gpu.toml --state var   # one card and the weights: hours
    python -m tests.benchmarks.card --tiny FOLDER --state STATE   # tiny shapes on the CPU: proves that it runs

Each step's words go to STATE/card/<step>.txt as well; a step that fails is told, and the next one is begun. The rates
reach `python -m jobs.plan_night`; name the two records in the configuration (`quality.judge.measured`,
`personas.measured`), or a judge's yes and a model's opinion go on counting nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def steps(config: Path, state: Path, *, tiny: bool) -> dict[str, list[str]]:
    """Name of each step -> module and arguments, cheapest first: what is wrong with the weights is told at once."""
    shapes = {"generation": ["--size=sdxl", "--device=cuda", "--units=48"], "understanding": ["--size=7b"]}
    shapes["understanding"] += ["--device=cuda"]
    few: dict[str, list[str]] = {"judge": [], "personas": [], "sharing": []}
    if tiny:
        shapes = {"generation": ["--units=8", "--rounds=1"], "understanding": ["--products=2", "--rounds=1"]}
        few = {"judge": ["--products=1", "--strengths=4"], "personas": ["--products=1", "--data-root=none"]}
        few["sharing"] = ["--products=1", "--side=192"]
    rates, records = f"--record-rates={state}", state / "card"
    return {
        "preflight": ["ray_tasks.preflight", f"--config={config}", f"--state={state}"],
        "generation": ["tests.benchmarks.generation", *shapes["generation"], rates],
        "understanding": ["tests.benchmarks.understanding", *shapes["understanding"], rates],
        "sharing": ["tests.benchmarks.shared_steps", f"--config={config}", *few["sharing"]],
        "judge": [
            "tests.benchmarks.judge",
            f"--config={config}",
            f"--out={records / 'judge_record.json'}",
            *few["judge"],
        ],
        "personas": [
            "jobs.evaluate_personas",
            f"--config={config}",
            f"--record={records / 'personas_record.json'}",
            f"--state={state}",
            *few["personas"],
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the steps; the number of those that failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path("infra/config/gpu.toml"))
    parser.add_argument("--state", type=Path, default=Path("var"))
    parser.add_argument("--tiny", type=Path, metavar="FOLDER", help="save tiny models there and use them")
    args = parser.parse_args(argv)
    config: Path = args.config
    if args.tiny is not None:
        from tests.tiny_night import save_tiny_night

        config = save_tiny_night(args.tiny)
    folder = args.state / "card"
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, command in steps(config, args.state, tiny=args.tiny is not None).items():
        started = time.monotonic()
        with (folder / f"{name}.txt").open("w", encoding="utf-8") as file:
            child = subprocess.Popen(
                [sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            assert child.stdout is not None
            for line in child.stdout:
                sys.stdout.write(line)
                file.write(line)
        failed += [name] if child.wait() else []
        ended = "failed" if child.returncode else "done"
        sys.stdout.write(f"\n{name}: {ended} in {time.monotonic() - started:.0f} s\n\n")
        sys.stdout.flush()
    sys.stdout.write(f"results: {folder}" + (f"; failed: {', '.join(failed)}" if failed else "") + "\n")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
