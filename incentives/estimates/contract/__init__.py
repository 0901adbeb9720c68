"""The data contract: a firm's files come in by the same door as simulated records.

=====================  ==========================================================================
`declaration`          every frame and column: type, unit, values, meaning; read by all the others
`templates`            empty files with these headers, and the data dictionary
`reading`              `read_records`: a folder of CSV or Parquet files, or frames, to `Records`
`conversion`           text and numbers to the types of the declaration
`identity`             identifiers to the whole numbers that estimators count with
`checking`             keys, references and orders that cannot be
`deriving`             teams, schemes, cells and customer-months from what a firm has
`problems`             all that is wrong with the files, in one table
=====================  ==========================================================================
"""

from incentives.estimates.contract.problems import RecordsError
from incentives.estimates.contract.reading import read_records
from incentives.estimates.contract.templates import write_templates

__all__ = ["RecordsError", "read_records", "write_templates"]
