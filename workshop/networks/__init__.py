"""What a reward model can be made of, and small networks evaluated in NumPy."""

from workshop.networks import in_numpy
from workshop.networks.additive import AdditiveEnsemble
from workshop.networks.bootstraps import Bootstraps
from workshop.networks.fits import Fits
from workshop.networks.held_out import HeldOut, judge
from workshop.networks.joint import EnsembleMLP
from workshop.networks.normaliser import Normaliser
from workshop.networks.rounding import round_gradient
from workshop.networks.weight_decay import adapt_weight_decay
