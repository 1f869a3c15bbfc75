import ast
import re

from tests.shape.source import SOURCE, modules

VAGUE = re.compile(r"^_?(utils?|helpers?|common|misc|base|base_.*|.*_(utils?|helpers?))$")


def test_no_file_or_folder_has_a_vague_name() -> None:
    parts = {part for file in modules() for part in file.removesuffix(".py").split("/")}
    assert [part for part in parts if VAGUE.match(part)] == []


def test_no_class_is_a_manager_handler_helper_or_base() -> None:
    bad = re.compile(r"(Manager|Helper|Util|Utils)$|^_?Base[A-Z]")
    names = [
        f"{file}:{node.lineno} {node.name}"
        for file, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and bad.search(node.name)
    ]
    assert names == []


def test_no_flag_is_called_enable_or_disable() -> None:
    names = [
        f"{file}:{node.lineno} {node.arg}"
        for file, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.arg) and node.arg.startswith(("enable_", "disable_"))
    ]
    assert names == []


def test_every_module_says_what_it_is_for() -> None:
    assert [file for file, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_types_are_shipped() -> None:
    assert (SOURCE / "py.typed").exists()
