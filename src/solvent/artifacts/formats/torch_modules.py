"""PyTorch tensors and modules: weights as safetensors, structure as class paths and attributes in tagged JSON.

A module comes back without running its `__init__`: each submodule is made bare and given its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tagged import Decoder, Encoder, refuse
from solvent.artifacts.tags import class_name, find_class
from solvent.errors import FormatError

_OWN = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training")


class _Torch:
    def accepts(self, value: Any) -> bool:
        import torch

        return isinstance(value, torch.nn.Module) or type(value) in (torch.Tensor, torch.nn.Parameter)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        import torch

        try:
            from safetensors.torch import save
        except ImportError:
            raise Unsuitable("safetensors is not installed", "pip install safetensors") from None
        weights = _Weights()
        if isinstance(value, torch.nn.Module):
            meta: dict[str, Any] = {"module": _describe(value, weights, sink.path)}
        else:
            meta = {"tensor": weights.add(value)}
        sink.write(save(weights.tensors))
        return meta

    def read(self, source: Source) -> Any:
        from safetensors.torch import load

        tensors = load(source.bytes())
        made: dict[str, Any] = {}
        if "tensor" in source.meta:
            return _tensor(source.meta["tensor"], tensors, made)
        return _build(source.meta["module"], tensors, made)


SAFETENSORS = _Torch()


class _Weights:
    """Numbers the tensors; one that is used in two places is written once and shared again."""

    def __init__(self) -> None:
        self.tensors: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []

    def add(self, tensor: Any) -> dict[str, Any]:
        import torch

        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex():
            raise Unsuitable("safetensors knows dense real tensors only")
        name = self._names.get(id(tensor))
        if name is None:
            name = self._names[id(tensor)] = f"{len(self.tensors):06d}"
            self.tensors[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            self._kept.append(tensor)
        return {"name": name, "parameter": isinstance(tensor, torch.nn.Parameter), "gradient": tensor.requires_grad}


def _describe(module: Any, weights: _Weights, path: str) -> dict[str, Any]:
    name = class_name(type(module))
    if name is None or type(module).__module__ == "__main__":
        raise Unsuitable(f"the class of {path} can't be imported by name")
    kind: Any = type(module)
    if kind.__getstate__ is not object.__getstate__:
        raise Unsuitable(f"{path} keeps its state in a way of its own")
    return {
        "class": name,
        "state": _attributes(module, path),
        "training": module.training,
        "parameters": {key: item if item is None else weights.add(item) for key, item in module._parameters.items()},
        "buffers": {key: item if item is None else weights.add(item) for key, item in module._buffers.items()},
        "passing": sorted(module._non_persistent_buffers_set),
        "modules": {
            key: item if item is None else _describe(item, weights, f"{path}.{key}")
            for key, item in module._modules.items()
        },
    }


def _attributes(module: Any, path: str) -> Any:
    state = {key: item for key, item in vars(module).items() if key not in _OWN}
    hooks = [key for key, item in state.items() if key.endswith("_hooks") and item]
    if hooks:
        raise Unsuitable(f"{path} has hooks, which only pickle can keep")
    try:
        return Encoder(refuse, path).fields(state)
    except FormatError as error:
        raise Unsuitable(f"{error.where}: {error.problem}") from error


def _build(note: Mapping[str, Any], tensors: Mapping[str, Any], made: dict[str, Any]) -> Any:
    import torch

    kind = find_class(note["class"])
    module = kind.__new__(kind)
    torch.nn.Module.__init__(module)
    for name, item in note["state"].items():
        object.__setattr__(module, name, Decoder().value(item))
    module.training = note["training"]
    for key in ("parameters", "buffers"):
        getattr(module, f"_{key}").update(
            {name: item and _tensor(item, tensors, made) for name, item in note[key].items()}
        )
    module._non_persistent_buffers_set.update(note["passing"])
    module._modules.update({name: item and _build(item, tensors, made) for name, item in note["modules"].items()})
    return module


def _tensor(note: Mapping[str, Any], tensors: Mapping[str, Any], made: dict[str, Any]) -> Any:
    import torch

    if note["name"] not in made:
        tensor = tensors[note["name"]]
        if note["parameter"]:
            tensor = torch.nn.Parameter(tensor, requires_grad=note["gradient"])
        made[note["name"]] = tensor if note["parameter"] else tensor.requires_grad_(note["gradient"])
    return made[note["name"]]
