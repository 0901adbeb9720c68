"""Experiments: one question a file, each run as ``python -m experiments.NAME --out FOLDER``."""
