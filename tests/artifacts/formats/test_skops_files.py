import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from solvent.artifacts.formats.skops_files import Unread, canonical, read
from solvent.fingerprint.values import identify

pytestmark = pytest.mark.slow


def estimators() -> dict[str, Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC

    columns = ColumnTransformer([("scale", StandardScaler(), [0, 1]), ("code", OneHotEncoder(), [2])])
    return {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "columns": make_pipeline(columns, Ridge()),
        "imputer": make_pipeline(SimpleImputer(), SVC()),
        "forest": RandomForestClassifier(n_estimators=3, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=2, random_state=0),
        "histogram": HistGradientBoostingClassifier(max_iter=3, random_state=0),
        "regression": HistGradientBoostingRegressor(max_iter=3, loss="poisson", random_state=0),
        "neighbours": KNeighborsClassifier(),
    }


def written(estimator: Any) -> tuple[bytes, list[str]]:
    from skops import io as skops

    data = skops.dumps(estimator)
    return data, skops.get_untrusted_types(data=data)


def rows() -> Any:
    import numpy as np

    random = np.random.default_rng(0)
    return np.column_stack([random.normal(size=60), random.normal(size=60), np.arange(60) % 3]), np.arange(60) % 2


NAMES = ["logistic", "columns", "imputer", "forest", "boosting", "histogram", "regression", "neighbours"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_equals_what_was_written(name: str) -> None:
    fitted = estimators()[name].fit(*rows())
    again = read(memoryview(written(fitted)[0]), written(fitted)[1])
    if name != "boosting":  # skops leaves out what a random state was seeded with
        assert identify(again).digest == identify(fitted).digest
    assert (again.predict(rows()[0]) == fitted.predict(rows()[0])).all()


@pytest.mark.parametrize("name", NAMES)
def test_equal_estimators_give_equal_bytes_that_skops_reads(name: str) -> None:
    from skops import io as skops

    once, twice = (written(estimators()[name].fit(*rows())) for _ in range(2))
    assert canonical(once[0]) == canonical(twice[0])
    again = skops.loads(canonical(once[0]), trusted=once[1])
    assert (again.predict(rows()[0]) == read(memoryview(canonical(twice[0])), twice[1]).predict(rows()[0])).all()


def test_a_tree_is_read_only_where_it_was_recorded_as_trusted() -> None:
    data, trusted = written(estimators()["forest"].fit(*rows()))
    assert "sklearn.tree._tree.Tree" in trusted
    with pytest.raises(Unread, match=r"sklearn\.tree\._tree\.Tree"):
        read(data, [])


def altered(data: bytes, **changes: Any) -> bytes:
    """The file with other words in the node at its root."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                content = json.dumps({**json.loads(content), **changes}).encode()
            new.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"__module__": "subprocess", "__class__": "Popen"},
        {"__module__": "sklearn.utils.deprecation", "__class__": "warnings"},
        {"__module__": "sklearn.utils._testing", "__class__": "TempMemmap"},
        {"__loader__": "TreeNode"},
        {"__loader__": "LossNode"},
        {"__loader__": "FunctionNode"},
        {"__loader__": "TypeNode"},
        {"protocol": 1},
    ],
)
def test_what_skops_would_not_trust_is_not_made(changes: dict[str, Any]) -> None:
    data, trusted = written(estimators()["logistic"].fit(*rows()))
    with pytest.raises(Unread):
        read(altered(data, **changes), trusted)


def test_reading_imports_no_skops(tmp_path: Path) -> None:
    data, trusted = written(estimators()["logistic"].fit(*rows()))
    (tmp_path / "model.skops").write_bytes(data)
    code = (
        "import sys; from solvent.artifacts.formats.skops_files import read; "
        f"read(open('model.skops', 'rb').read(), {trusted!r}); print('skops' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
