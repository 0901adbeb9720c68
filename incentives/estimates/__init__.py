"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`churn_effect`         Did a scheme make customers leave?
`bunching`             Do results pile up where a bonus begins?
`staggered_effect`     What did a scheme do that teams came under one after the other?
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds.
"""

from incentives.estimates.bunching import bunching
from incentives.estimates.churn import churn_effect
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.result import Check, Estimate
from incentives.estimates.staggered import staggered_effect

__all__ = ["Check", "Estimate", "bunching", "churn_effect", "gaming_effect", "staggered_effect"]
