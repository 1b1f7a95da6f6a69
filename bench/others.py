"""What s2m is timed against: torchopt's implicit gradient, and scikit-learn's and pomegranate's fits.

None of it is needed to use s2m: `make bench-gradient` installs torchopt and pomegranate from requirements-peers.txt.
"""

from __future__ import annotations

import importlib.util
import warnings
from importlib.metadata import version

import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from s2m.models import Mixture, VariancePrior, fit_mixture
from s2m.models.curvature import Point
from s2m.models.steps import Step

PEERS = ("torchopt", "pomegranate")


def installed(name: str) -> bool:
    """Whether a package that is timed against is there; it is looked for, not imported."""
    return importlib.util.find_spec(name) is not None


def versions() -> str:
    """Which releases s2m is timed against."""
    names = ("scikit-learn", *(name for name in PEERS if installed(name)))
    return ", ".join(f"{name} {version(name)}" for name in names)


def fit_with_torchopt(x: Tensor, prior: VariancePrior, start: Mixture) -> Point:
    """The fit of s2m, its gradient by torchopt: custom_root on the same stationarity, solved by conjugate gradients.

    x: (B, N, n) float64. The mixture's shape is the start's. The residual is asked to fall as far as s2m's own
    conjugate gradients take it, 1e-10.
    """
    import torchopt

    alpha, beta = prior.natural("cpu")
    w = x.new_ones(x.shape[:2])

    def objective(q: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
        point = Point(q[0].softmax(-1), q[1], q[2].exp())
        return -Step(x, w, alpha, beta).expect(point)[1].sum()

    def stationarity(q: tuple[Tensor, Tensor, Tensor], x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return torch.func.grad(objective)(q, x)

    def solver(q: tuple[Tensor, Tensor, Tensor], x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fitted = fit_mixture(x.detach(), q[0].shape[1], prior=prior, start=start)
        return fitted.weights.log(), fitted.means, fitted.variances.log()

    solve = torchopt.linear_solve.solve_cg(rtol=1e-10)
    begin = start.weights.log(), start.means, start.variances.log()
    # torchopt 0.7.3 calls functorch by its old name, here and again on the way back.
    warnings.filterwarnings("ignore", message=".*functorch", category=FutureWarning)
    a, means, s = torchopt.diff.implicit.custom_root(stationarity, argnums=1, solve=solve)(solver)(begin, x)
    return Point(a.softmax(-1), means, s.exp())


def fit_with_scikit(x: Tensor, start: Mixture, gain: float, max_steps: int) -> Mixture:
    """A loop over sets of scikit-learn's EM, from `start`, until a step gains less than `gain` an example."""
    fits = [
        GaussianMixture(
            start.weights.shape[1],
            covariance_type="diag",
            tol=gain,
            reg_covar=0.0,  # it would be added to every variance: another model
            max_iter=max_steps,
            weights_init=start.weights[i].numpy(),
            means_init=start.means[i].numpy(),
            precisions_init=1 / start.variances[i].numpy(),
        ).fit(x[i].numpy())
        for i in range(len(x))
    ]
    parts = ("weights_", "means_", "covariances_")
    return Mixture(*(torch.stack([torch.from_numpy(getattr(fit, part)) for fit in fits]) for part in parts))


def fit_with_pomegranate(x: Tensor, start: Mixture, gain: float, max_steps: int) -> Mixture:
    """The same with pomegranate, whose tolerance is for the whole set."""
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    fits = []
    for i in range(len(x)):
        normals = [
            Normal(mean.clone(), variance.clone(), covariance_type="diag")
            for mean, variance in zip(start.means[i], start.variances[i])
        ]
        model = GeneralMixtureModel(normals, priors=start.weights[i].clone(), tol=gain * x.shape[1], max_iter=max_steps)
        fits.append(model.fit(x[i]))
    return Mixture(
        torch.stack([fit.priors for fit in fits]),
        torch.stack([torch.stack([normal.means for normal in fit.distributions]) for fit in fits]),
        torch.stack([torch.stack([normal.covs for normal in fit.distributions]) for fit in fits]),
    )
