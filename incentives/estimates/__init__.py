"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`churn_effect`         Did a scheme make customers leave?
`optimal_audit`        Which contacts should be checked?
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds.
"""

from incentives.estimates.allocation import AuditPlan, optimal_audit
from incentives.estimates.churn import churn_effect
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.result import Check, Estimate

__all__ = ["AuditPlan", "Check", "Estimate", "churn_effect", "gaming_effect", "optimal_audit"]
