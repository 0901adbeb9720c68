"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`scheme_effect`        What did a scheme do to what is on record?
`true_rate`            How many logged successes were true?
`true_effect`          What does a scheme do to true successes?
`kpi_inflation`        How much of what a scheme did to the log is recording?
`misclassified_effect` What does a scheme do to true successes of contacts of the same kind?
`deterrence`           Do more audits make for less gaming?
`churn_effect`         Did a scheme make customers leave?
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds.
"""

from incentives.estimates.churn import churn_effect
from incentives.estimates.deterrence import deterrence
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.inflation import kpi_inflation
from incentives.estimates.misclassified import misclassified_effect
from incentives.estimates.result import Check, Estimate
from incentives.estimates.scheme import scheme_effect
from incentives.estimates.two_phase import true_effect, true_rate

__all__ = [
    "Check",
    "Estimate",
    "churn_effect",
    "deterrence",
    "gaming_effect",
    "kpi_inflation",
    "misclassified_effect",
    "scheme_effect",
    "true_effect",
    "true_rate",
]
