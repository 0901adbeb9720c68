"""Where each mechanism matters: a scenario that ships and an experiment, by its id.

The documentation's index of mechanisms shows this, and `test_house` holds it whole.
"""

RETENTIONS, BANK, SCORECARD, AIRLINE, TELESALES = SCENARIOS = (
    "outsourced_retentions",
    "retail_bank",
    "retail_scorecard",
    "holiday_airline",
    "blended_telesales",
)

EXPERIMENTS = (
    "compare_schemes",
    "dropped_calls",
    "false_saves",
    "paid_not_to_sell",
    "scorecard_weight",
    "spoiled_week",
    "last_place",
    "plausibility",
    "floor_against_log",
    "bank_floor",
)

MATTERS = {
    "G1": (RETENTIONS, "false_saves"),
    "G2": (RETENTIONS, "false_saves"),
    "G3": (RETENTIONS, "compare_schemes"),
    "G4": (BANK, "dropped_calls"),
    "G5": (BANK, "paid_not_to_sell"),
    "G6": (AIRLINE, "spoiled_week"),
    "G7": (RETENTIONS, "compare_schemes"),
    "G8": (RETENTIONS, "compare_schemes"),
    "P1": (RETENTIONS, "compare_schemes"),
    "P2": (SCORECARD, "scorecard_weight"),
    "P3": (SCORECARD, "scorecard_weight"),
    "P4": (RETENTIONS, "compare_schemes"),
    "P5": (TELESALES, "last_place"),
    "A1": (RETENTIONS, "false_saves"),
    "A2": (RETENTIONS, "compare_schemes"),
    "A3": (RETENTIONS, "compare_schemes"),
    "A4": (RETENTIONS, "compare_schemes"),
    "A5": (RETENTIONS, "false_saves"),
    "A6": (SCORECARD, "scorecard_weight"),
    "A7": (TELESALES, "last_place"),
    "A8": (TELESALES, "last_place"),
    "A9": (RETENTIONS, "compare_schemes"),
    "C1": (BANK, "paid_not_to_sell"),
    "C2": (AIRLINE, "spoiled_week"),
    "C3": (SCORECARD, "scorecard_weight"),
    "C4": (BANK, "paid_not_to_sell"),
    "C5": (BANK, "paid_not_to_sell"),
    "C6": (RETENTIONS, "false_saves"),
    "C7": (BANK, "paid_not_to_sell"),
    "C8": (BANK, "paid_not_to_sell"),
    "C9": (AIRLINE, "spoiled_week"),
    "C10": (BANK, "paid_not_to_sell"),
    "O1": (TELESALES, "last_place"),
    "O2": (TELESALES, "plausibility"),
    "O3": (TELESALES, "plausibility"),
    "O4": (BANK, "plausibility"),
    "O5": (BANK, "floor_against_log"),
    "O6": (RETENTIONS, "false_saves"),
    "O7": (RETENTIONS, "compare_schemes"),
}
"""Scenario and module of `experiments`, by id."""
