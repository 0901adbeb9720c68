"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`churn_effect`         Did a scheme make customers leave?
`bootstrap` or `randomisation`, on what `resampling` keeps of each row. `cox` is a cross-check.
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds. A firm's own tables come in through
`read_records`, checked against the data contract (`contract`).
"""

from incentives.estimates.churn import churn_effect
from incentives.estimates.contract import RecordsError, read_records, write_templates
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.result import Check, Estimate

__all__ = [
    "Check",
    "Estimate",
    "RecordsError",
    "churn_effect",
    "gaming_effect",
    "read_records",
    "write_templates",
]
