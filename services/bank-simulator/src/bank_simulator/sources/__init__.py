"""Real banks: public data sets turned into the landing contract."""
