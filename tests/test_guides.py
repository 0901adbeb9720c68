"""The page on estimators names all of them, and the tests that mark them."""

import inspect
import re
from pathlib import Path

import pytest

import incentives as inc
from incentives import estimates

ROOT = Path(__file__).resolve().parent.parent
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/explanation/estimators.md").read_text("utf-8").splitlines()
    if "{py:func}" in line and line.startswith("|")
]
BY_FUNCTION = {re.findall(r"~incentives\.(\w+)`", row[0])[0]: row for row in TABLE}


def test_the_page_has_every_estimator() -> None:
    reads = {"read_records", "write_templates"}
    public = {name for name in estimates.__all__ if inspect.isfunction(getattr(estimates, name))}
    assert set(BY_FUNCTION) == public - reads
    assert all(hasattr(inc, name) for name in BY_FUNCTION)


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_the_tests_that_the_page_names_ask_the_estimator(name: str) -> None:
    files = re.findall(r"`(\w+\.py)`", BY_FUNCTION[name][-1])
    assert files
    for file in files:
        assert re.search(rf"\b{name}\b", (ROOT / "tests" / file).read_text("utf-8")), file


@pytest.mark.parametrize("page", sorted((ROOT / "docs/gallery_src").glob("plot_*.py")))
def test_a_guide_is_linked_and_ends_in_a_decision(page: Path) -> None:
    label = f"<sphx_glr__generated_gallery_{page.name}>"
    assert label in (ROOT / "docs/guides/index.md").read_text("utf-8")
    text = page.read_text("utf-8")
    assert text.split("# ---------")[-1].count("assert ") > 0
    assert "# The decision\n" in text
    assert "# What would make this wrong\n" in text
