import json
from typing import Any

from solvent.fingerprint.key import Argument, KeyParts, cache_key
from solvent.model import CodeFingerprint, Symbol
from solvent.plan.explain import closest, explain

SCALE = Symbol("features.scale", "function", "1", "/p/features.py", 12)
CLIP = Symbol("features.clip", "function", "2", "/p/features.py", 20)
PARTS = KeyParts(
    step="fit",
    code="c",
    arguments={"seed": Argument("d7", "builtins:int", "7"), "train": Argument("t", "pandas:DataFrame")},
    externals={"data/x.csv": "x"},
    environment={"python": "3.11", "pandas": "3.1.0"},
)


def code(digest: str, *symbols: Symbol) -> CodeFingerprint:
    return CodeFingerprint(digest, symbols, (), (), ())


def told(old: CodeFingerprint | None = None, new: CodeFingerprint | None = None, **changed: Any) -> list[str]:
    return explain(cache_key(PARTS._replace(**changed))[1], new, cache_key(PARTS)[1], old)


def test_equal_calls_need_no_words() -> None:
    assert told() == []


def test_a_changed_function_is_named_with_its_line() -> None:
    changed = SCALE._replace(digest="3", line=14)
    assert told(code("c", SCALE, CLIP), code("n", changed, CLIP), code="n") == [
        "`features.scale` changed (/p/features.py:14)"
    ]


def test_a_module_that_counts_as_a_whole_is_named_without_a_line() -> None:
    plug = Symbol("plug", "module", "1", "/p/plug.py", 0)
    assert told(code("c", plug), code("n", plug._replace(digest="2")), code="n") == ["`plug` changed (/p/plug.py)"]


def test_new_and_unused_functions_are_named() -> None:
    assert told(code("c", SCALE), code("n", CLIP), code="n") == [
        "`features.clip` is new (/p/features.py:20)",
        "`features.scale` isn't used any more",
    ]


def test_changed_code_that_is_not_known_any_more_is_told_without_names() -> None:
    assert told(None, code("n", CLIP), code="n") == ["its code changed"]
    assert told(code("c", CLIP), code("n", CLIP), code="n") == ["its code changed"]


def test_an_argument_shows_both_values() -> None:
    arguments = PARTS.arguments | {"seed": Argument("d8", "builtins:int", "8")}
    assert told(arguments=arguments) == ["argument `seed` 7 -> 8"]


def test_an_input_is_named() -> None:
    assert told(arguments=PARTS.arguments | {"train": Argument("u", "pandas:DataFrame")}) == ["input `train` changed"]
    assert told(arguments=PARTS.arguments | {"train": Argument("t", "polars:frame.Table")}) == [
        "input `train` changed from DataFrame to frame.Table"
    ]


def test_new_and_removed_arguments_are_named() -> None:
    arguments = {"train": PARTS.arguments["train"], "share": Argument("s", "builtins:float", "0.2")}
    assert told(arguments=arguments) == ["new argument `share` 0.2", "argument `seed` is gone"]


def test_files_are_named() -> None:
    assert told(externals={"data/x.csv": "y"}) == ["file data/x.csv changed"]
    assert told(externals={"b": "y"}) == ["new file b", "file data/x.csv is gone"]


def test_packages_and_salt_are_named() -> None:
    assert told(environment={"python": "3.11", "pandas": "3.1.1"}) == ["pandas 3.1.0 -> 3.1.1"]
    assert told(environment={"python": "3.11", "polars": "1"}) == ["no longer uses pandas 3.1.0", "now uses polars 1"]
    assert told(salt="x") == ["salt None -> 'x'"]


def test_another_python_changes_all_code_and_is_named_alone() -> None:
    environment = {"python": "3.12", "pandas": "3.1.0"}
    old, new = code("c", SCALE), code("n", SCALE._replace(digest="9"))
    assert told(old, new, code="n", environment=environment) == ["python 3.11 -> 3.12"]


def test_the_most_telling_comes_first() -> None:
    words = told(
        code("c", SCALE),
        code("n", SCALE._replace(digest="3")),
        code="n",
        salt="x",
        arguments=PARTS.arguments | {"seed": Argument("d8", "builtins:int", "8")},
        externals={"data/x.csv": "y"},
    )
    assert [phrase.split()[0] for phrase in words] == ["`features.scale`", "argument", "file", "salt"]


def test_the_closest_former_call_differs_least() -> None:
    near = PARTS._replace(code="n")
    far = near._replace(salt="x", externals={})
    assert closest(cache_key(PARTS)[1], [cache_key(far)[1], cache_key(near)[1], cache_key(near)[1]]) == 1
    assert closest(cache_key(PARTS)[1], []) is None


def test_parts_may_be_parsed_already() -> None:
    parts = json.loads(cache_key(PARTS)[1])
    assert explain(parts, None, parts | {"step": "other"}, None) == ["step other -> fit"]
