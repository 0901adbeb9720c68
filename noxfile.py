#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The matrix, for those who have nox and several Pythons; `make` does the same one at a time."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"


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
