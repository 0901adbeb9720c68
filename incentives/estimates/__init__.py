"""Questions that an analyst asks of the records, each answered by an `Estimate`.

=====================  ==========================================================================
`gaming_effect`        Is a scheme being gamed, and what does the log make of it?
`churn_effect`         Did a scheme make customers leave?
`agent_types`          Are some agents moved by bonus money and others not?
=====================  ==========================================================================

One question a file; `inference` beside them says how sure an answer is, `comparison` who is
compared with whom, `result` what an answer holds.
"""

from incentives.estimates.churn import churn_effect
from incentives.estimates.gaming import gaming_effect
from incentives.estimates.result import Check, Estimate
from incentives.estimates.types_of_agents import agent_types

__all__ = ["Check", "Estimate", "agent_types", "churn_effect", "gaming_effect"]
