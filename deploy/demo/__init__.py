"""The story of `make demo`: a day at a bank, through every service, compared with the truth."""
