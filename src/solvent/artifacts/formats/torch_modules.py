"""PyTorch tensors and modules: weights as safetensors, structure as class paths and state in tagged JSON.

A module comes back without running its `__init__`: each one in it is made bare and given the state it had. What is used
in two places is written once and shared again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tagged import Decoder, Encoder, tagged
from solvent.artifacts.tags import class_name, find_class
from solvent.errors import FormatError


class _Torch:
    def accepts(self, value: Any) -> bool:
        import torch

        return isinstance(value, torch.nn.Module) or type(value) in (torch.Tensor, torch.nn.Parameter)

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        try:
            from safetensors.torch import save
        except ImportError:
            raise Unsuitable("safetensors is not installed", "pip install safetensors") from None
        parts = _Parts()
        parts.add(value, sink.path)
        sink.write(save(parts.tensors))
        return {"notes": parts.notes}

    def read(self, source: Source) -> Any:
        from safetensors.torch import load

        return _Builder(source.meta["notes"], load(source.bytes())).part(0)


SAFETENSORS = _Torch()


class _Parts:
    """Numbers the modules and tensors of a module, and notes what each is."""

    def __init__(self) -> None:
        self.tensors: dict[str, Any] = {}
        self.notes: list[dict[str, Any]] = []
        self._numbers: dict[int, tuple[int, Any]] = {}

    def add(self, part: Any, path: str) -> Any:
        """Give the tree for a part that JSON has no tag for."""
        known = self._numbers.get(id(part))
        if known is None:
            note: dict[str, Any] = {}
            # Known before its parts are: a part may point back. Kept, so that its id stays its own.
            known = self._numbers[id(part)] = (len(self.notes), part)
            self.notes.append(note)
            note.update(self._describe(part, path, str(known[0])))
        return tagged("child", known[0])

    def _describe(self, part: Any, path: str, name: str) -> dict[str, Any]:
        import torch

        if isinstance(part, torch.nn.Module):
            return self._module(part, path)
        if type(part) in (torch.Tensor, torch.nn.Parameter):
            if part.layout is not torch.strided or part.is_quantized or part.is_complex():
                raise Unsuitable("safetensors knows dense real tensors only")
            self.tensors[name] = part.detach().cpu().clone(memory_format=torch.contiguous_format)
            return {"is": type(part).__name__, "tensor": name, "gradient": part.requires_grad}
        if isinstance(part, (torch.dtype, torch.device)):
            return {"is": type(part).__name__, "name": str(part).removeprefix("torch.")}
        if type(part) is torch.Size:
            return {"is": "Size", "lengths": list(part)}
        raise Unsuitable(f"{path} is a {type(part).__qualname__}, which has no safe format")

    def _module(self, module: Any, path: str) -> dict[str, Any]:
        name, state = class_name(type(module)), module.__getstate__()
        if name is None or type(module).__module__ == "__main__":
            raise Unsuitable(f"the class of {path} can't be imported by name")
        if not isinstance(state, dict) or any("__reduce_ex__" in vars(base) for base in type(module).__mro__[:-1]):
            raise Unsuitable(f"{path} keeps its state in a way of its own")
        return {"is": "module", "class": name, "state": Encoder(self.add, path).tree(dict(state))}


class _Builder:
    """Builds the parts again, each once."""

    def __init__(self, notes: list[Mapping[str, Any]], tensors: Mapping[str, Any]) -> None:
        self._notes = notes
        self._tensors = tensors
        self._made: dict[int, Any] = {}

    def part(self, number: int) -> Any:
        """Give the part of that number."""
        if number in self._made:
            return self._made[number]
        note = self._notes[number]
        if note["is"] != "module":
            return self._made.setdefault(number, self._leaf(note))
        import torch

        kind: Any = find_class(note["class"])
        if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
            raise FormatError(f"{note['class']} is no longer a module of PyTorch")
        module: Any = self._made.setdefault(number, object.__new__(kind))
        module.__setstate__(Decoder(self.part).value(note["state"]))
        return module

    def _leaf(self, note: Mapping[str, Any]) -> Any:
        import torch

        kind = note["is"]
        if kind == "Size":
            return torch.Size(note["lengths"])
        if kind in ("dtype", "device"):
            return getattr(torch, note["name"]) if kind == "dtype" else torch.device(note["name"])
        tensor = self._tensors[note["tensor"]]
        if kind == "Parameter":
            return torch.nn.Parameter(tensor, requires_grad=note["gradient"])
        return tensor.requires_grad_(note["gradient"])
