"""Scores: definitions, training, and the SQL that scores every customer.

`definition` says what is predicted, for whom, from which columns. Training (`train`, `acrm train`)
fits a scorecard and writes it as a file that people review (`card`). A night only turns those files
into SQL (`sql`), so that it needs neither scikit-learn nor SciPy.
"""
