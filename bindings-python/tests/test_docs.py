"""Every example in the documentation runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import quorlock

README = Path(__file__).parents[1] / "README.md"
MODULES = [
    module.name
    for module in pkgutil.walk_packages(quorlock.__path__, "quorlock.")
    if not module.name.endswith("._quorlock")
]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["quorlock", *MODULES])
def test_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL))
def test_readme(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
