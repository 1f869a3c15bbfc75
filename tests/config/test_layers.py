from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from solvent.config.layers import Node, dotted, from_code, merge, merge_all
from solvent.config.overrides import read_set

SCALARS = st.integers(0, 9) | st.text("xyz", max_size=2) | st.none()
WORDS = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=3), lambda inner: st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)
LAYERS = st.dictionaries(WORDS, TREES, max_size=3).map(lambda data: from_code(data, "code"))


def bare(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: bare(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [bare(child) for child in node.value]
    return node.value


@given(LAYERS, LAYERS, LAYERS)
def test_merging_is_associative(low: Node, middle: Node, high: Node) -> None:
    assert bare(merge(merge(low, middle), high)) == bare(merge(low, merge(middle, high)))


@given(LAYERS, LAYERS)
def test_the_last_layer_wins_wherever_it_says_something(low: Node, high: Node) -> None:
    assert _contains(bare(merge(low, high)), bare(high))


@given(LAYERS)
def test_an_empty_layer_changes_nothing(layer: Node) -> None:
    assert bare(merge(layer, from_code({}, "code"))) == bare(layer)
    assert bare(merge(from_code({}, "code"), layer)) == bare(layer)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _contains(whole[key], value) for key, value in part.items())
    return bool(whole == part)


@given(st.lists(st.integers(), min_size=2, max_size=4), st.integers(), st.integers())
def test_changes_of_single_elements_add_up(values: list[int], first: int, second: int) -> None:
    low, zero, one = from_code({"x": values}, "code"), read_set(f"x.0={first}"), read_set(f"x.1={second}")
    wanted = {"x": [first, second, *values[2:]]}
    assert bare(merge(merge(low, zero), one)) == wanted
    assert bare(merge(low, merge(zero, one))) == wanted


def test_a_list_is_replaced_as_a_whole() -> None:
    assert bare(merge(from_code({"x": [1, 2, 3]}, "low"), from_code({"x": [4]}, "high"))) == {"x": [4]}


def test_a_mapping_over_a_scalar_forgets_what_lay_below_the_scalar() -> None:
    layers = [from_code(each, "code") for each in ({"x": {"p": 1}}, {"x": None}, {"x": {"q": 2}})]
    assert bare(merge_all(layers)) == {"x": {"q": 2}}


def test_each_value_keeps_its_own_place() -> None:
    low = Node({"a": Node(1, "low.yaml", 1), "b": Node(2, "low.yaml", 2)}, "low.yaml")
    merged = merge(low, Node({"b": Node(3, "high.yaml", 7)}, "high.yaml"))
    assert merged.value["a"].source == "low.yaml:1"
    assert merged.value["b"].source == "high.yaml:7"


def test_a_key_with_a_dot_is_quoted_in_a_dotted_name() -> None:
    assert dotted(("models", "a.b", "depth")) == 'models."a.b".depth'
    assert bare(read_set(f"{dotted(('a', 'b.c', 'ä', ''))}=1")) == {"a": {"b.c": {"ä": {"": 1}}}}


def test_layers_of_nothing_are_an_empty_mapping() -> None:
    assert bare(merge_all([])) == {}
