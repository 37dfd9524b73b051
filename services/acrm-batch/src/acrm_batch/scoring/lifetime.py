"""Customer lifetime value: how often somebody will still come, and what a coming is worth.

BG/NBD (Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24, 2005):
while alive a customer comes at random with a rate of his own, gamma(r, alpha) over customers; after
each coming he leaves with a probability of his own, beta(a, b). Gamma-Gamma (Fader, Hardie and Lee,
RFM and CLV: Using Iso-Value Curves, Journal of Marketing Research 42, 2005): the value of a coming
varies around a mean of his own, with parameters p, q and v, whatever the rate.

Both are fitted by maximum likelihood. A coming is a week in which
something is booked on the customer's accounts, by him or by others, but not by the bank.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1, roots_jacobi

from crm_shared.errors import UsageError

Floats = NDArray[np.float64]

#: Nodes of the quadrature: exact for polynomials of degree 47 in the probability to leave.
_NODES = 24
#: Log parameters are kept within these: beyond, the likelihood is flat (nobody ever leaves, say).
_BOUND = 6.0


@dataclass(frozen=True)
class BgNbd:
    """How customers come and leave; time is in weeks."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, repeats: Floats, last: Floats, age: Floats) -> Floats:
        """The probability that a customer has not left, from repeated comings, the time of the last
        and his age, both since the first."""
        repeats, last, age = (np.asarray(one, float) for one in (repeats, last, age))
        odds = (self.a / (self.b + np.maximum(repeats, 1) - 1)) * (
            (self.alpha + age) / (self.alpha + last)
        ) ** (self.r + repeats)
        return np.asarray(np.where(repeats > 0, 1 / (1 + odds), 1.0))

    def expected(self, repeats: Floats, last: Floats, age: Floats, ahead: float) -> Floats:
        """Comings expected within the weeks ahead (equation 10 of the paper, divided by a - 1
        where that is the limit), by the hypergeometric function."""
        x, t = np.asarray(repeats, float), np.asarray(age, float)
        z = ahead / (self.alpha + t + ahead)
        tail = ((self.alpha + t) / (self.alpha + t + ahead)) ** (self.r + x)
        f = hyp2f1(self.r + x, self.b + x, self.a + self.b + x - 1, z)
        unconditional = (self.a + self.b + x - 1) / (self.a - 1) * (1 - tail * f)
        return np.asarray(unconditional * self.alive(repeats, last, age))

    def nodes(self) -> tuple[Floats, Floats]:
        """Points and weights of the beta(a, b) distribution of the probability to leave: with
        them the hypergeometric function is a sum, which SQL can do."""
        points, weights = roots_jacobi(_NODES, self.b - 1, self.a - 1)
        return (1 + points) / 2, weights / weights.sum()


@dataclass(frozen=True)
class GammaGamma:
    """What a coming is worth."""

    p: float
    q: float
    v: float

    def expected(self, count: Floats, mean: Floats) -> Floats:
        """The value expected of a coming, from how many there were and their mean."""
        count, mean = np.asarray(count, float), np.asarray(mean, float)
        return np.asarray(self.p * (self.v + count * mean) / (self.p * count + self.q - 1))


def fit_bg_nbd(repeats: Floats, last: Floats, age: Floats) -> BgNbd:
    """The most likely parameters (equation 6 of the paper)."""
    groups, counts = np.unique(np.column_stack([repeats, last, age]), axis=0, return_counts=True)
    x, t_x, t = groups.T

    def loss(logs: Floats) -> float:
        r, alpha, a, b = np.exp(logs)
        shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stays = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + t)
        leaves = np.where(
            x > 0,
            betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x),
            -np.inf,
        )
        return float(-(counts * (shared + np.logaddexp(stays, leaves))).sum() / counts.sum())

    return BgNbd(*map(float, np.exp(_minimised(loss, 4, "BG/NBD"))))


def fit_gamma_gamma(count: Floats, mean: Floats) -> GammaGamma:
    """The most likely parameters, with a finite mean (q above 1)."""

    def loss(logs: Floats) -> float:
        p, q, v = np.exp(logs[0]), 1 + np.exp(logs[1]), np.exp(logs[2])
        total = count * mean
        likelihood = (
            -np.log(mean) - betaln(p * count, q)
            + q * (np.log(v) - np.log(v + total))
            + p * count * (np.log(total) - np.log(v + total))
        )  # fmt: skip
        return float(-likelihood.mean())

    scale = float(np.median(mean))
    logs = _minimised(lambda logs: loss(logs + np.array([0, 0, np.log(scale)])), 3, "Gamma-Gamma")
    p, q, v = np.exp(logs[0]), 1 + np.exp(logs[1]), np.exp(logs[2]) * scale
    return GammaGamma(float(p), float(q), float(v))


def _minimised(loss, size: int, name: str) -> Floats:  # type: ignore[no-untyped-def]
    """The best of three starts; `UsageError` where none converges."""
    starts = [np.full(size, start) for start in (0.0, 1.0, -1.0)]
    found = [
        minimize(loss, start, method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * size)
        for start in starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    if not np.isfinite(best.fun):
        raise UsageError(f"{name} does not fit the data; look for negative or missing values.")
    return np.asarray(best.x, dtype=np.float64)
