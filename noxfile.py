#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The matrix, for those who have nox and several Pythons; `make` does the same one at a time."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"

OURS = ("numba>=0.61", "pyarrow>=18", "pytest>=9")
"""What our estimates need beside what the others bring."""

OTHERS = (
    "diff-diff>=3.13,<4",
    "lifelines>=0.30,<0.31",
    "linearmodels>=7,<8",
    "pyfixest>=0.60,<0.61",
    "wildboottest>=0.3.2,<0.4",
)
"""Packages that answer some of our questions their way; each has a test that asks it."""


def install(session: nox.Session, lock: str) -> None:
    session.install("--require-hashes", "-r", lock)
    session.install("--no-deps", "-e", ".")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run all tests, or what the arguments after -- say."""
    install(session, "requirements.lock")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, layering, spelling, declared dependencies and types."""
    install(session, "requirements-dev.lock")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("codespell")
    session.run("deptry", ".")
    session.run("mypy")


@nox.session(python="3.11", default=False)
def agreement(session: nox.Session) -> None:
    """Hold estimates against other packages, which need an older pandas than ours."""
    session.install(*OTHERS, *OURS)
    session.install("--no-deps", "-e", ".")
    session.run("pytest", "tests/agreement", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the pages and look for anything they would fetch from outside."""
    install(session, "requirements-dev.lock")
    session.run("python", "-m", "sphinx", "-n", "-W", "-b", "html", "docs", "docs/_build/html")
    session.run("python", "docs/_offline.py", "docs/_build/html")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the wheel and the source distribution."""
    session.install("build")
    session.run("python", "-m", "build")


if __name__ == "__main__":
    nox.main()
