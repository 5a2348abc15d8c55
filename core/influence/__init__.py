"""Influence: what each training row does to the validation loss.

Sign and scale, the same everywhere in this package. The model minimises
(1/n) Σ_i w_i ℓ_i(θ) + (l2/2)‖θ‖² with every weight w_i = 1, and L_val is the mean cross-entropy
over the validation rows. The influence of training row i is

    I_i = n ∂L_val/∂w_i = −g_iᵀ S,   S = H⁻¹ ∇L_val,   g_i = ∇ℓ_i

so **positive is harmful**: more of the row raises the validation loss, and removing it changes
that loss by about −I_i/n. H is the Hessian of the objective, or its generalised Gauss–Newton
matrix, plus `damping` · I. S is solved for once and used for all rows.

References:
    Kamene, The Data Gradient, doi:10.70389/pjcs.100014.
    Koh and Liang, Understanding black-box predictions via influence functions, ICML 2017.
"""

from core.influence.certificate import Certificate, Influence, ReplayCertificate
from core.influence.dcs import DatasetContribution, dataset_contribution
from core.influence.logistic import LogisticRegression
from core.influence.scores import influence
from core.influence.suspicion import LabelSuspicion, out_of_fold_loss, self_influence

__all__ = [
    "Certificate",
    "DatasetContribution",
    "Influence",
    "LabelSuspicion",
    "LogisticRegression",
    "ReplayCertificate",
    "dataset_contribution",
    "influence",
    "out_of_fold_loss",
    "self_influence",
]
