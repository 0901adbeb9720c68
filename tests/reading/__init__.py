"""The model read a second time: a Mesa program written from `docs/explanation/model.md` alone.

It shares no rule with the kernel. `reading.centre` simulates with plain objects, `reading.pay`
works out what a log entry is worth; `tests/test_reading.py` compares distributions.
"""
