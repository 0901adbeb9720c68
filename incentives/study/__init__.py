"""Plan a study before there are data, and find out by simulation what it could tell.

A `Study` declares four things: a world (a centre, the schemes, months), questions with a truth
that twins know, a data strategy (who is assigned how, what is checked), and answers (estimators).
`Study.diagnose` lives it through many times and gives a `Diagnosis`: bias, coverage, power, the
chance of choosing the wrong scheme and what that would cost, each with its Monte-Carlo error.

==================  =============================================================================
`Study`, `Assign`   what is declared; `redesign` makes a `Grid` of studies, `freeze` a file
`Diagnosis`         what was found, made from a frame of simulations
`accuracy`          the part of it that holds one answer to one question against the truth
`QUESTIONS`         what can be asked: a `Question` by name, with its truth
`ANSWERS`           who can answer: an `Answer` by name; to add an estimator, add a line
==================  =============================================================================

The four parts and the separation of simulating from summing up follow DeclareDesign (Blair,
Coppock and Humphreys 2023, *Research Design in the Social Sciences*; from memory).
"""

from incentives.study.answers import ANSWERS, Answer
from incentives.study.design import Assign, Grid, Study
from incentives.study.diagnosis import DIAGNOSANDS, Diagnosis, accuracy
from incentives.study.questions import QUESTIONS, Question

__all__ = [
    "ANSWERS",
    "DIAGNOSANDS",
    "QUESTIONS",
    "Answer",
    "Assign",
    "Diagnosis",
    "Grid",
    "Question",
    "Study",
    "accuracy",
]
