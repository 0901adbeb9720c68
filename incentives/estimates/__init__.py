"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`churn_effect`         Did a scheme make customers leave?
`competing_risks`      For which reason did they leave?
`audit_priorities`     Whom to audit first?
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds.
"""

from incentives.estimates.churn import churn_effect
from incentives.estimates.competing import competing_risks
from incentives.estimates.forensic import AuditPriorities, audit_priorities
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.result import Check, Estimate

__all__ = [
    "AuditPriorities",
    "Check",
    "Estimate",
    "audit_priorities",
    "churn_effect",
    "competing_risks",
    "gaming_effect",
]
