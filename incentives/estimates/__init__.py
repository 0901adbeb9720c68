"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`churn_effect`         Did a scheme make customers leave?
`bunching`             Do results pile up where a bonus begins?
`staggered_effect`     What did a scheme do that teams came under one after the other?
`optimal_audit`        Which contacts should be checked?
`competing_risks`      For which reason did they leave?
`audit_priorities`     Whom to audit first?
`scheme_effect`        What did a scheme do to what is on record?
`true_rate`            How many logged successes were true?
`true_effect`          What does a scheme do to true successes?
`kpi_inflation`        How much of what a scheme did to the log is recording?
`misclassified_effect` What does a scheme do to true successes of contacts of the same kind?
`deterrence`           Do more audits make for less gaming?
`agent_types`          Are some agents moved by bonus money and others not?
`month_ends`           When in the month are successes logged?
`agent_spread`         How far do agents differ, beyond what chance makes of a few contacts?
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds, `methods` how it can be tested again: by
`bootstrap` or `randomisation`, on what `resampling` keeps of each row, and `proportions` how sure
it is where few findings make it. `cox` is a cross-check. A firm's own tables come in through
`read_records`, checked against the data contract (`contract`).
"""

from incentives.estimates.allocation import AuditPlan, optimal_audit
from incentives.estimates.churn import churn_effect
from incentives.estimates.competing import competing_risks
from incentives.estimates.contract import RecordsError, read_records, write_templates
from incentives.estimates.deterring import deterrence
from incentives.estimates.forensic import AuditPriorities, audit_priorities
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.heterogeneity import agent_spread
from incentives.estimates.inflation import kpi_inflation
from incentives.estimates.misclassified import misclassified_effect
from incentives.estimates.result import Check, Estimate
from incentives.estimates.scheme import scheme_effect
from incentives.estimates.staggered import staggered_effect
from incentives.estimates.thresholds import bunching
from incentives.estimates.two_phase import true_effect, true_rate
from incentives.estimates.types_of_agents import agent_types
from incentives.estimates.working_days import month_ends

__all__ = [
    "AuditPlan",
    "AuditPriorities",
    "Check",
    "Estimate",
    "RecordsError",
    "agent_spread",
    "agent_types",
    "audit_priorities",
    "bunching",
    "churn_effect",
    "competing_risks",
    "deterrence",
    "gaming_effect",
    "kpi_inflation",
    "misclassified_effect",
    "month_ends",
    "optimal_audit",
    "read_records",
    "scheme_effect",
    "staggered_effect",
    "true_effect",
    "true_rate",
    "write_templates",
]
