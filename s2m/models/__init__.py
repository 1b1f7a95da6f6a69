"""Densities fitted to a set of descriptors: one Gaussian, a mixture of them, and the choice between."""

from s2m.models.em import fit_mixture
from s2m.models.gaussian import fit_gaussian
from s2m.models.mixture import FitRecord, Mixture
from s2m.models.prior import VariancePrior
from s2m.models.selection import Selection, select_components

__all__ = ["FitRecord", "Mixture", "Selection", "VariancePrior", "fit_gaussian", "fit_mixture", "select_components"]
