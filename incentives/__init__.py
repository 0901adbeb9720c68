"""Research on incentive policy: what bonus schemes do to front-line staff, and staff to customers.

    import incentives as inc

    centre = inc.Scenario.load("outsourced_retentions")
    schemes = {"wage": inc.Wage(), "retention": inc.Wage() + inc.PieceRate("saves", 4.0)}
    records = inc.simulate(centre.vary(scheme=schemes), replications=20, months=24, rng=1, n_jobs=2)
    inc.gaming_effect(records, by="scheme", control="wage").summary()

Names are fetched on first use, so that importing the package is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [  # noqa: RUF022  # by group, in reading order
    # Scenarios
    "Scenario",
    "Assignment",
    "ScenarioError",
    "scenario_names",
    "parameter_table",
    "action_table",
    "all_mechanisms",
    # Blocks of a scenario
    "Floor",
    "Work",
    "Queueing",
    "Routing",
    "Crew",
    "Channels",
    "Audit",
    "Contract",
    "Blending",
    "ColdCalls",
    "Renewal",
    "Needs",
    "Expectations",
    "Openness",
    "Order",
    "HiddenNeeds",
    "MadeUpMinds",
    "MomentsAndEndings",
    "Leaving",
    "LoyaltyPays",
    "Surveys",
    "Value",
    "Acquisition",
    "Advocacy",
    "DataHarvest",
    "Ownership",
    "Archetype",
    "Workforce",
    "Regard",
    "Mode",
    "Mood",
    "Reciprocity",
    "Blame",
    "JobSecurity",
    "Identity",
    "Coaching",
    "Turnover",
    "Conscience",
    "Belief",
    "FabricatedSave",
    "SuppressedCancellation",
    "MisclassifiedContact",
    "DroppedContact",
    "DumpedContact",
    "HardSell",
    "SurveyGaming",
    "Timing",
    "Action",
    "Row",
    # Pay
    "Scheme",
    "Sum",
    "Wage",
    "PieceRate",
    "Target",
    "Tiers",
    "Tournament",
    "TeamPool",
    "Leaderboard",
    "Scorecard",
    "UnequalMeasurement",
    "TargetPressure",
    "Deferred",
    "Clawback",
    "Totals",
    # Simulation
    "simulate",
    "cost_matched",
    "compare",
    "Comparison",
    "outcome_table",
    "twins",
    "truth_of",
    "Twins",
    "Records",
    "ContactCentre",
    "FrontlineAgent",
    "Manager",
    # Estimates
    "gaming_effect",
    "churn_effect",
    "scheme_effect",
    "true_rate",
    "true_effect",
    "kpi_inflation",
    "misclassified_effect",
    "deterrence",
    "staggered_effect",
    "bunching",
    "competing_risks",
    "audit_priorities",
    "agent_types",
    "agent_spread",
    "optimal_audit",
    "mediation",
    "Estimate",
    # Study design
    "Study",
    "Diagnosis",
    # Data
    "read_records",
    "RecordsError",
    "write_templates",
    "read_anonymous_bank",
    "BankLog",
]

_HOMES = {
    "scenario": (
        "Scenario",
        "Assignment",
        "ScenarioError",
        "scenario_names",
        "parameter_table",
        "all_mechanisms",
    ),
    "menu": ("action_table", "Action", "Row"),
    "centre": (
        "Floor",
        "Work",
        "Queueing",
        "Routing",
        "Crew",
        "Channels",
        "Audit",
        "Contract",
        "Blending",
        "ColdCalls",
        "Renewal",
    ),
    "customers": (
        "Needs",
        "Expectations",
        "Openness",
        "Order",
        "HiddenNeeds",
        "MadeUpMinds",
        "MomentsAndEndings",
        "Leaving",
        "LoyaltyPays",
        "Surveys",
        "Value",
        "Acquisition",
        "Advocacy",
        "DataHarvest",
        "Ownership",
    ),
    "staff": (
        "Archetype",
        "Workforce",
        "Regard",
        "Reciprocity",
        "Blame",
        "JobSecurity",
        "Identity",
        "Coaching",
        "Turnover",
        "Mode",
        "Mood",
    ),
    "gaming": (
        "Conscience",
        "Belief",
        "FabricatedSave",
        "SuppressedCancellation",
        "MisclassifiedContact",
        "DroppedContact",
        "DumpedContact",
        "HardSell",
        "SurveyGaming",
        "Timing",
    ),
    "pay": (
        "Scheme",
        "Sum",
        "Wage",
        "PieceRate",
        "Target",
        "Tiers",
        "Tournament",
        "TeamPool",
        "Leaderboard",
        "Scorecard",
        "UnequalMeasurement",
        "TargetPressure",
        "Deferred",
        "Clawback",
    ),
    "columns": ("Totals",),
    "simulation": ("simulate", "cost_matched"),
    "truth": ("twins", "truth_of", "Twins", "mediation"),
    "comparison": ("compare", "Comparison", "outcome_table"),
    "records": ("Records",),
    "model": ("ContactCentre", "FrontlineAgent", "Manager"),
    "estimates": (
        "gaming_effect",
        "churn_effect",
        "scheme_effect",
        "true_rate",
        "true_effect",
        "kpi_inflation",
        "misclassified_effect",
        "deterrence",
        "staggered_effect",
        "bunching",
        "competing_risks",
        "audit_priorities",
        "agent_types",
        "agent_spread",
        "optimal_audit",
        "Estimate",
        "read_records",
        "RecordsError",
        "write_templates",
    ),
    "study": ("Study", "Diagnosis"),
    "datasets": ("read_anonymous_bank", "BankLog"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from incentives.centre import (
        Audit,
        Blending,
        Channels,
        ColdCalls,
        Contract,
        Crew,
        Floor,
        Queueing,
        Renewal,
        Routing,
        Work,
    )
    from incentives.columns import Totals
    from incentives.comparison import Comparison, compare, outcome_table
    from incentives.customers import (
        Acquisition,
        Advocacy,
        DataHarvest,
        Expectations,
        HiddenNeeds,
        Leaving,
        LoyaltyPays,
        MadeUpMinds,
        MomentsAndEndings,
        Needs,
        Openness,
        Order,
        Ownership,
        Surveys,
        Value,
    )
    from incentives.datasets import BankLog, read_anonymous_bank
    from incentives.estimates import Estimate, churn_effect, gaming_effect
    from incentives.gaming import (
        Belief,
        Conscience,
        DroppedContact,
        DumpedContact,
        FabricatedSave,
        HardSell,
        MisclassifiedContact,
        SuppressedCancellation,
        SurveyGaming,
        Timing,
    )
    from incentives.menu import Action, Row, action_table
    from incentives.model import ContactCentre, FrontlineAgent, Manager
    from incentives.pay import (
        Clawback,
        Deferred,
        Leaderboard,
        PieceRate,
        Scheme,
        Scorecard,
        Sum,
        Target,
        TargetPressure,
        TeamPool,
        Tiers,
        Tournament,
        UnequalMeasurement,
        Wage,
    )
    from incentives.records import Records
    from incentives.scenario import (
        Assignment,
        Scenario,
        ScenarioError,
        all_mechanisms,
        parameter_table,
        scenario_names,
    )
    from incentives.simulation import cost_matched, simulate
    from incentives.staff import (
        Archetype,
        Blame,
        Coaching,
        Identity,
        JobSecurity,
        Mode,
        Mood,
        Reciprocity,
        Regard,
        Turnover,
        Workforce,
    )
    from incentives.truth import Twins, truth_of, twins


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"incentives.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'incentives' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
