"""The report of a date's run: one page for whoever looks at it at three in the morning."""
