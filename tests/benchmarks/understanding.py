"""Products a second of the vision-language writer: question by question, in padded batches, and ours in two ways.

    python -m tests.benchmarks.understanding                            # tiny shapes on the CPU
    python -m tests.benchmarks.understanding --size 7b --device cuda --record-rates var    # a card with 24 GB or more

Weights are random in the shapes of Qwen2.5-VL; each answer has the length that its schema asks for, as the drafts of
the real shops have them, so all arms do the same work. A product has a picture, a record of some 300 tokens and six
audiences. Arms take turns, round after round.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ray_tasks.models.vision_language import Question, VisionLanguageModel
from schemas.instruction import closed_record
from schemas.model_config import WriterModel
from tests.tiny_transformers import save_qwen_writer

AUDIENCES = 6
BATCH = 24
ONE_BY_ONE = 2
"""Products that the first arm is given: a question takes as long for the last as for the first."""
DRAFTS = (115, 123, 142, 155, 192, 218, 259, 282, 418)
"""Letters of a draft's JSON at SHARES of the 5,610 records of the three real shops in five locales."""
SHARES = (0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1)
LETTERS = 4
"""Of a token, about."""
MOST_TOKENS = 160
AROUND = '{"said":""}'
WORDS = {"tiny": 0, "7b": 151_000}
"""Tokens of a word: what a grammar allows is asked of all of them, for every token that is written."""
SHAPES = {
    "tiny": {"text": {}, "vision": {}},
    "7b": {
        "text": {
            "vocab_size": 152064,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
        },
        "vision": {
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
    },
}


def questions(products: int) -> list[Question]:
    """`AUDIENCES` questions a product."""
    tokens = np.interp(np.random.default_rng(0).random(products * AUDIENCES), SHARES, DRAFTS) / LETTERS
    lengths = iter(tokens.round().astype(int).tolist())
    made = []
    for number in range(products):
        picture = np.random.default_rng(number).integers(0, 255, (224, 224, 3), np.uint8)
        record = f"Product {number}: " + "a steel bottle of 750 ml that keeps drinks cold for 24 hours, " * 5
        for audience in range(AUDIENCES):
            user = f"For audience {audience}, who {'camp' if audience % 2 else 'work in an office'}."
            # No token but that of a byte holds a digit: as many digits, as many tokens.
            said = {"type": "string", "pattern": f"^[0-9]{{{next(lengths) - len(AROUND)}}}$"}
            made.append(Question("You write copy.", user, picture, closed_record({"said": said}), record))
    return made


def whole_prompts(model: VisionLanguageModel, asked: Sequence[Question], batch: int) -> None:
    """Each prompt read in one piece with its own picture: a batch of one is the sequential arm."""
    for start in range(0, len(asked), batch):
        some = asked[start : start + batch]
        inputs = model._processor(
            text=["".join(model._parts(question)) for question in some],
            images=[Image.fromarray(question.picture) for question in some if question.picture is not None],
            padding=True,
            return_tensors="pt",
            add_special_tokens=False,
        ).to(model._config.device)
        with torch.inference_mode():
            model._model.generate(
                **inputs,
                **model.kept_to([one.schema for one in some]),
                do_sample=False,
                max_new_tokens=model._config.max_new_tokens,
                pad_token_id=model._tokenizer.pad_token_id,
            )


def rate_row(device: str, products: int, wall_s: float, core_s: float) -> dict[str, Any]:
    """A row of `rates` without its night: what all copy of one product takes of us."""
    # Delta is needed for this alone.
    from jobs.planning.rates import PRODUCT, WRITE

    gpu_s = wall_s / products if device == "cuda" else 0.0
    usual = {"bytes": 0.0, "attempts": 1.0, "wall_s": wall_s}
    return usual | {
        "stage": WRITE,
        "unit": PRODUCT,
        "units": products,
        "core_s": core_s / products,
        "gpu_s": gpu_s,
    }


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=sorted(SHAPES), default="tiny")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--words", type=int, help="tokens of a word; left out, those of the size")
    parser.add_argument("--products", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--record-rates", type=Path, metavar="STATE", help="where jobs.plan_night reads our rate"
    )
    args = parser.parse_args()
    if args.words is None:
        args.words = WORDS[args.size]
    if args.device == "cpu":
        torch.set_num_threads(1)
    card = torch.cuda.get_device_name() if args.device == "cuda" else f"{platform.machine()} CPU, one thread"
    asked = questions(args.products)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / args.size
        most_px = 224 * 224 if args.size == "7b" else 56 * 56
        dtype = torch.bfloat16 if args.size == "7b" else torch.float32
        with torch.device(args.device):
            save_qwen_writer(folder, SHAPES[args.size], most_px, dtype, args.words)
        config = WriterModel(
            model=str(folder), device=args.device, batch_size=BATCH, max_new_tokens=MOST_TOKENS
        )
        model = VisionLanguageModel(config)
    ours = f"ours, {BATCH} at once, answered ones give their places to those that wait"
    few = min(ONE_BY_ONE, args.products)
    arms: dict[str, tuple[Callable[[], Any], int]] = {
        "question by question": (lambda: whole_prompts(model, asked[: few * AUDIENCES], 1), few),
        f"padded batches of {BATCH}": (lambda: whole_prompts(model, asked, BATCH), args.products),
        f"ours, batches of {BATCH} one after the other": (
            lambda: [model.answer(asked[start : start + BATCH]) for start in range(0, len(asked), BATCH)],
            args.products,
        ),
        ours: (lambda: model.answer(asked), args.products),
    }
    whole_prompts(model, asked[:2], 2)
    passes = 0

    def count(*_: Any) -> None:
        nonlocal passes
        passes += 1

    model._model.register_forward_pre_hook(count)
    passes_of: dict[str, float] = {}
    rates: dict[str, list[float]] = {name: [] for name in arms}
    core_s: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(args.rounds):
        for name, (arm, products) in arms.items():
            model._kept.clear()  # what the last round read would be a gift
            started, core_started = time.perf_counter(), time.process_time()
            passes = 0
            arm()
            passes_of[name] = passes / products
            rates[name].append(products / (time.perf_counter() - started))
            core_s[name].append((time.process_time() - core_started) / products)
    if args.record_rates is not None:
        from jobs.planning.rates import record_benchmark

        ours_s = args.products / statistics.median(rates[ours])
        ours_core_s = args.products * statistics.median(core_s[ours])
        row = rate_row(args.device, args.products, ours_s, ours_core_s)
        record_benchmark(args.record_rates, row)
    say = sys.stdout.write
    say(f"{' '.join(sys.argv)}; {card}, torch {torch.__version__}, {dt.date.today()}\n")
    say(
        f"{args.products} products of {AUDIENCES} audiences, answers of {DRAFTS[0] // LETTERS} to "
        f"{DRAFTS[-1] // LETTERS} tokens\n\n"
    )
    say(
        "| arm | products a second, median | least, most | times the first | core-s a product | passes a product |\n"
    )
    say("|---|---|---|---|---|---|\n")
    base = statistics.median(rates["question by question"])
    for name, found in rates.items():
        middle = statistics.median(found)
        say(
            f"| {name} | {middle:.3g} | {min(found):.3g}, {max(found):.3g} | {middle / base:.2f} | "
            f"{statistics.median(core_s[name]):.3g} | {passes_of[name]:.1f} |\n"
        )


if __name__ == "__main__":
    main()
