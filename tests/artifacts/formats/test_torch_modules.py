"""Tensors and modules of PyTorch come back with weights, structure and sharing, without pickle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from solvent.artifacts.saving import load, save
from solvent.artifacts.store import LocalBlobs
from solvent.fingerprint.values import identify

torch = pytest.importorskip("torch")
nn = torch.nn


def tied() -> Any:
    module = nn.Module()
    module.first, module.second = nn.Linear(3, 3), nn.Linear(3, 3)
    module.second.weight = module.first.weight
    return module


def hooked() -> Any:
    module = nn.Linear(2, 2)
    module.register_forward_hook(lambda *_: None)
    return module


MODULES: dict[str, Callable[[], Any]] = {
    "sequence": lambda: nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Dropout(0.1)).eval(),
    "recurrent": lambda: nn.LSTM(3, 4, 2),
    "attention": lambda: nn.TransformerEncoderLayer(8, 2, batch_first=True).eval(),
    "convolution": lambda: nn.Conv2d(1, 2, 3),
    "shared weights": tied,
}
TENSORS: dict[str, Callable[[], Any]] = {
    "plain": lambda: torch.randn(4, 3),
    "half": lambda: torch.randn(4, 3).bfloat16(),
    "transposed": lambda: torch.randn(4, 3).t(),
    "one number": lambda: torch.tensor(3),
    "nothing": lambda: torch.empty(0, 3),
    "parameter": lambda: nn.Parameter(torch.randn(2)),
    "with gradient": lambda: torch.ones(2, requires_grad=True),
}


@pytest.mark.parametrize("make", [*MODULES.values(), *TENSORS.values()], ids=[*MODULES, *TENSORS])
def test_it_comes_back_with_the_identity_it_had(make: Callable[[], Any], blobs: LocalBlobs) -> None:
    value = make()
    ref = save(value, identify(value), blobs, allow_pickle=False)
    again = load(ref, blobs)
    assert ref.format == "safetensors"
    assert type(again) is type(value)
    assert identify(again)[:2] == identify(value)[:2]


def test_a_module_answers_as_before_and_trains_on(blobs: LocalBlobs) -> None:
    value, x = nn.LSTM(3, 4, 2), torch.randn(5, 3)
    again = load(save(value, identify(value), blobs), blobs)
    assert torch.equal(again(x)[0], value(x)[0])
    again(x)[0].sum().backward()
    assert all(weight.grad is not None for weight in again.parameters())


def test_shared_weights_stay_shared(blobs: LocalBlobs) -> None:
    value = tied()
    again = load(save(value, identify(value), blobs), blobs)
    assert again.first.weight is again.second.weight


def test_a_state_dict_is_kept_without_pickle(blobs: LocalBlobs) -> None:
    value = nn.Linear(3, 2).state_dict()
    ref = save(value, identify(value), blobs, allow_pickle=False)
    again = load(ref, blobs)
    assert again._metadata == value._metadata
    nn.Linear(3, 2).load_state_dict(again)


@pytest.mark.parametrize("make", [hooked, lambda: torch.tensor([1 + 2j])])
def test_what_safetensors_can_not_hold_is_pickled_with_the_reason(make: Callable[[], Any], blobs: LocalBlobs) -> None:
    ref = save(make(), identify(1), blobs)
    assert ref.pickled
    assert "no safe format" in ref.meta["reason"] or "dense real tensors" in ref.meta["reason"]
