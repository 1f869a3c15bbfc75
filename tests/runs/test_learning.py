"""What is read in the code of a step of what it learns from the rows that it has."""

import textwrap
from pathlib import Path

import pytest

from solvent.model import CodeFingerprint, Symbol
from solvent.runs.learning import Learns, find_learning, takes_statistics


def code_of(folder: Path, body: str) -> CodeFingerprint:
    file = folder / "features.py"
    file.write_text("@step\ndef make(df):\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n")
    return CodeFingerprint("0", (Symbol("features.make", "function", "0", str(file), 1),), (), (), (str(file),))


def found(folder: Path, body: str, *, before_split: bool = False) -> list[Learns]:
    return list(find_learning(code_of(folder, body), before_split=before_split))


@pytest.mark.parametrize(
    ("body", "words", "certain"),
    [
        ("return StandardScaler().fit_transform(df)", "calls fit_transform of StandardScaler", True),
        ("scaler = MinMaxScaler()\nreturn scaler.fit_transform(df)", "calls fit_transform of MinMaxScaler", True),
        ("return given.fit_transform(df)", "calls fit_transform", True),
        ("model = PCA(2).fit(df)\nreturn model.transform(df)", "calls fit of PCA", True),
        ("return SMOTE().fit_resample(df[X], df.y)", "calls fit_resample of SMOTE", True),
        ("return df.fillna(df.mean())", "fills gaps by a statistic (fillna)", False),
        ("return df.fillna({'a': df['a'].mode()[0]})", "fills gaps by a statistic (fillna)", False),
        ("return df.with_columns(pl.col('a').fill_null(pl.mean('a')))", "fills gaps by a statistic (fill_null)", False),
        (
            "return df.with_columns(pl.col('a').fill_null(strategy='mean'))",
            "fills gaps by a statistic (fill_null)",
            False,
        ),
        ("return (df - df.mean()) / df.std()", "scales by a statistic of a column", False),
        ("middle = np.mean(df.a)\nreturn df.a - middle", "scales by a statistic of a column", False),
        ("return df.select(pl.col('a') - pl.col('a').mean())", "scales by a statistic of a column", False),
    ],
)
def test_what_learns_from_all_rows_is_found_with_its_line(tmp_path: Path, body: str, words: str, certain: bool) -> None:
    first = found(tmp_path, body)[0]
    assert (first.words, first.certain) == (words, certain)
    assert first.place == f"features.py:{first.line}"
    assert 3 <= first.line <= 4


@pytest.mark.parametrize(
    "body",
    [
        "return df.dropna().drop_duplicates()",
        "return df.fillna(0)",
        "return df.fillna(df[['a', 'b']].mean(axis=1))",
        "return df.a - df.a.rolling(7).mean()",
        "return df.a - df.groupby('shop').a.transform('mean')",
        "return df.assign(age=df.day - df.day.min())",
        "return df[df.a < df.a.quantile(0.99)]",
        "return 100 - df.a.mean()",
        "return LabelEncoder().fit_transform(df.y)",
        "words = HashingVectorizer()\nreturn words.fit_transform(df.text)",
        "print(df.a.mean(), df.a.std())\nreturn df",
        "return df.a - before",
    ],
)
def test_what_learns_nothing_of_other_rows_is_left_alone(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body) == []


def test_in_a_step_that_splits_only_what_comes_before_counts(tmp_path: Path) -> None:
    after = "train, test = train_test_split(df)\nscaler = StandardScaler().fit(train)\nreturn scaler.transform(test)"
    assert found(tmp_path, after, before_split=True) == []
    before = "df = StandardScaler().fit_transform(df)\nreturn train_test_split(df)"
    assert len(found(tmp_path, before, before_split=True)) == 1


def test_statistics_are_told_from_counts_of_rows(tmp_path: Path) -> None:
    assert takes_statistics(code_of(tmp_path, "return df.city.value_counts().to_dict()"))
    assert not takes_statistics(code_of(tmp_path, "return {'rows': len(df), 'names': sorted(df.city.unique())} # !"))


def test_code_that_is_gone_or_broken_says_nothing(tmp_path: Path) -> None:
    code = code_of(tmp_path, "return df.fillna(df.mean())")
    Path(code.files[0]).write_text("def make(df:")
    assert list(find_learning(code)) == []
    Path(code.files[0]).unlink()
    assert list(find_learning(code)) == []
    assert not takes_statistics(code)
