from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from infra.settings import load_config
from ray_tasks import preflight
from ray_tasks.models import loading
from ray_tasks.models.weight_files import fetch_command
from ray_tasks.preflight_trials import check_memory
from schemas.config import Config
from schemas.model_config import Control, CutOut, Diffusion, LoRA, Segmenter, Style, Weights, WriterModel
from tests.tiny_night import CONFIGS, save_tiny_night
from tests.tiny_onnx import save_tiny_segmenter


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Config:
    torch.set_num_threads(1)
    return load_config(save_tiny_night(tmp_path_factory.mktemp("tiny")))


def with_diffusion(config: Config, **changed: Any) -> Config:
    assert config.scene.diffusion is not None
    diffusion = config.scene.diffusion.model_copy(update=changed)
    return config.model_copy(update={"scene": config.scene.model_copy(update={"diffusion": diffusion})})


def test_a_ready_configuration_passes(
    tiny: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preflight.run(tiny, tmp_path)
    told = capsys.readouterr().out
    assert "ok      scene.picture: one picture of 64 x 64 px" in told
    assert "ok      writer.answer: writer answered" in told
    assert "longest prompts are cut" in told
    assert (
        "personas.worth: the model's opinion of who wants a product weighs 0: personas.measured names" in told
    )
    assert "ok      cutout.edge: one product of" in told
    assert "ok      quality.measured: one picture in" in told and "setting_similarity" in told
    assert "judge_answered 1.00" in told and "no yes of the judge counts" in told


def test_a_segmenter_in_the_classical_methods_place_is_tried_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_tiny_segmenter(tmp_path / "segmenter")
    cutout = CutOut(segmenter=Segmenter(model=str(tmp_path / "segmenter"), size_px=64))
    assert preflight.run(load_config(CONFIGS / "local.toml").model_copy(update={"cutout": cutout}), tmp_path)
    told = capsys.readouterr().out
    assert "ok      cutout.segmenter: folder" in told and "ok      cutout.edge: one product of" in told


def test_a_machine_too_small_for_all_its_processes_is_told() -> None:
    check_memory(4, 5 << 30, 32 << 30)
    with pytest.raises(ValueError, match=r"8 processes.*each takes 5\.4 GB.*34\.4 GB; take a larger machine"):
        check_memory(8, 5 << 30, 32 << 30)


def test_a_night_without_models_needs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.run(load_config(CONFIGS / "local.toml"), tmp_path)
    assert "needs no card" in capsys.readouterr().out


def test_every_model_of_the_gpu_profile_is_pinned_or_asks_for_its_pin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "_hub_info", lambda key, weights: None)
    monkeypatch.setattr(preflight, "_local_folder", lambda weights: tmp_path)
    monkeypatch.setattr(preflight, "_bytes_below", lambda folder, weights: 7)
    config = load_config(CONFIGS / "gpu.toml")
    assert all(weights.revision for weights in config.weights().values())
    config = with_diffusion(config, revision=None)
    assert not preflight.run(config, tmp_path)
    told = capsys.readouterr().out
    for key, weights in config.weights().items():
        if weights.revision is None:
            assert f"FAILED  {key}.revision is missing" in told
            assert f"print(h.model_info('{weights.model}').sha)" in told
        else:
            assert len(weights.revision) == 40 and f"ok      {key}: {weights.model}@" in told
    assert "skipped scene.picture" in told
    assert all(weights.licence for weights in config.weights().values())


def test_the_licence_of_every_model_that_the_gpu_profile_names_stands_in_its_table() -> None:
    text = (CONFIGS / "gpu.toml").read_text(encoding="utf-8")
    named = re.findall(r'^(?:# )?model = "([^/"]+/[^/"]+)"', text, re.MULTILINE)
    table = re.findall(r"^# \| (\S+/\S+) +\| +([^|]+?) +\| ", text, re.MULTILINE)
    hub = {name for name in named if not name.startswith("models/")}
    assert len(hub) >= 11 and hub <= dict(table).keys()
    for weights in load_config(CONFIGS / "gpu.toml").weights().values():
        assert dict(table)[weights.model].startswith(str(weights.licence))


class Info:
    def __init__(self, sha: str, licence: str) -> None:
        self.sha = sha
        self.siblings = ()
        self.card_data = self
        self._front = {"license": licence}

    def to_dict(self) -> dict[str, str]:
        return self._front


@pytest.mark.parametrize(
    ("weights", "info", "told"),
    [
        (Weights(model="a/b"), Info("c" * 40, "mit"), "today's commit is cccc"),
        (Weights(model="a/b", revision="d" * 40), Info("c" * 40, "mit"), "is no commit of a/b"),
        (
            Weights(model="a/b", revision="c" * 40),
            Info("c" * 40, "mit"),
            "licence is missing: a/b is under mit",
        ),
        (
            Weights(model="a/b", revision="c" * 40, licence="mit"),
            Info("c" * 40, "non-commercial"),
            "you accepted mit.*names non-commercial",
        ),
        (Weights(model="/nowhere/b"), None, "no folder /nowhere/b.*name the one where they lie"),
        (Weights(model="var/models/b"), None, "no folder var/models/b, seen from"),
    ],
)
def test_sources_are_checked_before_they_are_loaded(
    weights: Weights, info: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "_hub_info", lambda key, weights: info)
    with pytest.raises((ValueError, OSError), match=told):
        preflight.check_source("scene.diffusion", weights)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("GatedRepoError", "accept the model's terms"),
        ("RepositoryNotFoundError", "knows no such model"),
        ("RevisionNotFoundError", "wrong revision"),
    ],
)
def test_what_the_hub_refuses_is_explained(error: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    from huggingface_hub import HfApi, errors

    response = httpx.Response(403, request=httpx.Request("GET", "https://hub.invalid/a/b"))

    def refuse(*_: Any, **__: Any) -> None:
        raise getattr(errors, error)("no", response=response)

    monkeypatch.setattr(HfApi, "model_info", refuse)
    with pytest.raises(OSError, match=told):
        preflight.check_source("scene.diffusion", Weights(model="a/b", revision="c" * 40))


def test_weights_that_are_nowhere_are_told_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    weights = Weights(model="a/b", revision="c" * 40, local_files_only=True, licence="mit")
    with pytest.raises(OSError, match=f"weights missing: none of a/b.*hf download a/b --revision {'c' * 40}"):
        preflight.check_source("scene.diffusion.lora", weights)
    snapshot = tmp_path / "models--a--b" / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OSError, match="weights missing"):
        preflight.check_source("scene.diffusion.lora", weights)
    header_only(snapshot / "model.safetensors", 10)
    assert "nobody looked at the licence" in preflight.check_source("scene.diffusion.lora", weights)
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    told = preflight.check_source("scene.diffusion.lora", weights)
    assert "as they are here; the hub is not asked" in told and "nobody" not in told
    (snapshot / "README.md").write_text("---\nlicense: non-commercial\n---\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"you accepted mit.*names non-commercial"):
        preflight.check_source("scene.diffusion.lora", weights)


def test_little_is_fetched_that_is_not_read() -> None:
    pinned = {"model": "a/b", "revision": "c" * 40}
    start = f"hf download a/b --revision {'c' * 40} "
    assert fetch_command(Segmenter(**pinned)) == start + "README.md onnx/model.onnx"
    assert fetch_command(LoRA(**pinned)) == start + "README.md pytorch_lora_weights.safetensors"
    style = fetch_command(Style(**pinned, subfolder="sdxl", weight_name="ip.safetensors"))
    assert '--include "sdxl/ip.safetensors" --include "sdxl/image_encoder/*.json"' in style
    whole = fetch_command(Diffusion(**pinned))
    assert '--include "*.safetensors"' in whole and whole.endswith('--exclude "*.fp16.*"')


def test_a_card_of_a_local_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_name: research-only\n---\n# Model\n")
    with pytest.raises(ValueError, match="names research-only"):
        preflight.check_source("writer.model", Weights(model=str(tmp_path), licence="apache-2.0"))
    assert "research-only" in preflight.check_source("writer.model", Weights(model=str(tmp_path)))
    assert preflight.licence_in("# no front matter") is None
    assert preflight.licence_in("---\nlicense: [\n---\n") is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "The NVIDIA driver on your system is too old (found version 11040).",
            "driver too old.*update the NVIDIA",
        ),
        ("Found no NVIDIA driver on your system.", "no NVIDIA driver|without CUDA"),
    ],
)
def test_a_card_that_cannot_be_used_says_why(
    tiny: Config, said: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch.cuda, "init", fail)
    assert loading.cuda_fault() is not None
    config = with_diffusion(tiny, device="cuda")
    cards = {name: check for name, check in preflight.checks(config, Path()) if name.endswith(".card")}
    assert set(cards) == {"scene.card", "writer.card", "cutout.card", "quality.card"}
    with pytest.raises(ValueError, match=told):
        cards["scene.card"]()
    assert "on the CPU" in cards["quality.card"]()


def test_a_card_too_small_is_told_before_loading() -> None:
    preflight.check_room("H200", 141 << 30, 60 << 30)
    with pytest.raises(ValueError, match=r"card too small: RTX 4090 has 25\.8 GB"):
        preflight.check_room("RTX 4090", 24 << 30, 20 << 30)


def header_only(path: Path, numbers: int, dtype: str = "F32") -> None:
    """A safetensors file without its data."""
    header = json.dumps(
        {"__metadata__": {}, "w": {"dtype": dtype, "shape": [numbers], "data_offsets": [0, 0]}}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())


SDXL = {"unet": 2_567_463_684, "vae": 83_653_863, "text_encoder": 123_060_480, "text_encoder_2": 694_659_840}


def sdxl_repository(folder: Path) -> None:
    """SDXL as its repository has it: float32, float16 beside it, and both once more in one file."""
    for part, numbers in SDXL.items():
        name = "model" if part.startswith("text") else "diffusion_pytorch_model"
        header_only(folder / part / f"{name}.safetensors", numbers)
        header_only(folder / part / f"{name}.fp16.safetensors", numbers, "F16")
    header_only(folder / "sd_xl_base_1.0.safetensors", sum(SDXL.values()))


def test_room_on_the_card_is_counted_in_what_is_loaded_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On disk SDXL with two ControlNets has 14 GB and as much again in other precisions; a card of 24 GB holds it."""
    sdxl_repository(tmp_path / "sdxl")
    header_only(tmp_path / "control" / "diffusion_pytorch_model.safetensors", 1_251_460_064)
    header_only(tmp_path / "control" / "diffusion_pytorch_model_V2.safetensors", 1_251_460_064)
    header_only(tmp_path / "lora" / "pytorch_lora_weights.safetensors", 197_000_000)
    header_only(tmp_path / "style" / "sdxl_models" / "ip-adapter_sdxl.safetensors", 175_000_000)
    header_only(tmp_path / "style" / "sdxl_models" / "image_encoder" / "model.safetensors", 1_844_000_000)
    header_only(tmp_path / "style" / "models" / "image_encoder" / "model.safetensors", 632_000_000)
    header_only(tmp_path / "writer" / "model-00001-of-00002.safetensors", 4_000_000_000, "BF16")
    header_only(tmp_path / "writer" / "model-00002-of-00002.safetensors", 4_767_123_696, "BF16")
    style = {"subfolder": "sdxl_models", "weight_name": "ip-adapter_sdxl.safetensors"}
    control = Control(model=str(tmp_path / "control"))
    scene: dict[str, Weights] = {
        "scene.diffusion": Diffusion(model=str(tmp_path / "sdxl")),
        "scene.diffusion.lora": LoRA(model=str(tmp_path / "lora")),
        "scene.diffusion.edges": control,
        "scene.diffusion.layout": control,
    }
    card = SimpleNamespace(name="RTX 4090", total_memory=24 << 30, major=8)
    monkeypatch.setattr(loading, "cuda_fault", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    assert "11.9 GB of it for weights" in preflight.check_card("scene", "cuda", scene)
    borrowing = Style(model=str(tmp_path / "style"), **style)  # type: ignore[arg-type]
    assert preflight.bytes_on_card(borrowing) == 2 * 2_019_000_000
    writer = WriterModel(model=str(tmp_path / "writer"))
    assert preflight.bytes_on_card(writer) == 2 * 8_767_123_696
    replaced = Diffusion(model=str(tmp_path / "sdxl"), unet=Weights(model="x/y"))
    assert preflight.bytes_on_card(replaced) == 2 * (sum(SDXL.values()) - SDXL["unet"])
    with pytest.raises(ValueError, match=r"card too small.*weights take 29\.5 GB"):
        preflight.check_card("scene", "cuda", scene | {"scene.a": writer})


def test_room_is_known_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["README.md", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    told = SimpleNamespace(siblings=[SimpleNamespace(rfilename=name, size=5) for name in names])
    monkeypatch.setattr(preflight, "_local_folder", lambda weights: None)
    monkeypatch.setattr(preflight, "_hub_info", lambda key, weights: told)
    monkeypatch.setattr(preflight, "_numbers_on_hub", lambda weights, name: 7 * names.index(name))
    assert preflight.bytes_on_card(WriterModel(model="a/b", revision="c" * 40)) == 2 * (7 + 14)
    monkeypatch.setattr(preflight, "_hub_info", lambda key, weights: None)
    assert preflight.bytes_on_card(WriterModel(model="a/b", revision="c" * 40)) == 0


def test_broken_weights_fail_at_the_first_picture(
    tiny: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    assert tiny.scene.diffusion is not None
    broken = tmp_path / "sdxl"
    shutil.copytree(tiny.scene.diffusion.model, broken)
    path = broken / "vae" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor * torch.nan for name, tensor in load_file(path).items()}, path)
    config = with_diffusion(tiny, model=str(broken)).model_copy(update={"writer": type(tiny.writer)()})
    assert not preflight.run(config, tmp_path)
    assert "FAILED  scene.picture: nan_picture" in capsys.readouterr().out
