from importlib.metadata import version
from pathlib import Path

import pytest

from solvent.deploy.locks import Environment, closure, make_lock, optional, parse

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, on the path."""
    wanted = {
        "lib_a": ("1.0", "lib-b (>=2)", 'lib-c[fast]>=1; python_version < "2"', 'lib-d; extra == "more"'),
        "lib.b": ("2.1", "lib_a"),
        "lib_c": ("3.0", 'lib-e==5; extra == "fast"', 'lib-f; extra == "slow"'),
        "lib_d": ("4.0",),
        "lib_e": ("5",),
        "lib_g": ("6", 'absent; sys_platform == "other"', "lacking>=7"),
    }
    for name, (number, *requires) in wanted.items():
        folder = tmp_path / f"{name}-{number}.dist-info"
        folder.mkdir()
        lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
        (folder / "METADATA").write_text(METADATA.format(name=name, version=number, requires=lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("install")
def test_what_a_distribution_needs_is_followed_with_the_extras_that_are_asked_for() -> None:
    assert set(closure(["lib-a"])) == {"lib-a", "lib-b", "lib-c", "lib-e"}
    assert set(closure(["lib-a[more]"])) == {"lib-a", "lib-b", "lib-c", "lib-d", "lib-e"}
    assert set(closure(["lib-c"])) == {"lib-c"}


@pytest.mark.usefixtures("install")
def test_a_requirement_with_a_marker_counts_if_it_is_installed_and_one_without_always() -> None:
    assert closure(["lib-g"]) == {"lib-g": "", "lacking": ">=7"}


@pytest.mark.usefixtures("install")
def test_extras_are_what_a_distribution_uses_where_it_is_there() -> None:
    assert optional(["lib-a", "lib-c"]) == {"lib-b", "lib-c", "lib-d", "lib-e", "lib-f"}


@pytest.mark.parametrize(
    ("text", "name", "extras", "only"),
    [
        ("numpy", "numpy", [], []),
        ('zope.interface (>=5) ; extra == "X_y"', "zope.interface", [], ["x-y"]),
        ("a[b,C_d]>=1,<2", "a", ["b", "c-d"], []),
        ("a @ https://example.org/a.whl", "a", [], []),
    ],
)
def test_requirements_are_read_in_all_their_spellings(text: str, name: str, extras: list[str], only: list[str]) -> None:
    found = parse(text)
    assert (found.name, found.extras, found.only) == (name, frozenset(extras), frozenset(only))


def lock_of(*named: str, imported: tuple[str, ...] = (), lock: str = "") -> tuple[list[str], dict[str, str]]:
    owners = {"a": ["lib_a"], "b": ["lib.b"], "d": ["lib_d"], "e": ["lib_e"], "g": ["lib_g"], "msgspec": ["msgspec"]}
    made = make_lock(named, imported, Environment(owners, {"lib_a": "0.9", "Lib-B": "2.0"}, lock))
    return made.text.splitlines(), made.packages


@pytest.mark.usefixtures("install")
def test_versions_are_those_of_the_run_and_else_those_that_are_here() -> None:
    lines, packages = lock_of("a")
    assert {"lib-a==0.9", "lib-b==2.0", "lib-c==3.0", "lib-e==5"} < set(lines)
    assert {f"{name}=={version(name)}" for name in ("solvent", "msgspec", "uvicorn", "httptools")} < set(lines)
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])
    assert packages == {"lib-a": "0.9"}


@pytest.mark.usefixtures("install")
def test_what_was_imported_is_locked_and_matters_if_the_libraries_of_the_steps_know_it() -> None:
    lines, packages = lock_of("a", imported=("b", "d", "g", "msgspec", "unknown"))
    assert {"lib-d==4.0", "lib-g==6", "lacking>=7"} < set(lines)
    assert packages == {"lib-a": "0.9", "lib-b": "2.0", "lib-d": "4.0"}
    assert lock_of("a", "msgspec")[1]["msgspec"] == version("msgspec")


@pytest.mark.usefixtures("install")
def test_an_address_of_the_run_is_kept_and_a_folder_of_its_machine_is_not() -> None:
    lines, _ = lock_of(
        "a", "e", lock="lib_a @ git+https://example.org/a@abc\nlib-e @ file:///home/me/e\n-e file:///x\n"
    )
    assert "lib_a @ git+https://example.org/a@abc" in lines
    assert "lib-e==5" in lines
    assert not any("file:" in line for line in lines)
