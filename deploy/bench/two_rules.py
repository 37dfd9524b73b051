"""What other stream processors are given to do: large movements, and many transfers in a day."""

#: The least amount of a large movement.
LARGE = 500_000.0

#: So many transfers to other banks within a day are many.
MANY = 3

#: Of a thousand events so many are transactions; see `stream`.
OF_A_THOUSAND = 960
