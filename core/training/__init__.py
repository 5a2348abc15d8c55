"""How networks are trained: the paper's recipe, for one training set or a stack of them.

| module | what |
|---|---|
| `recipe` | batches, epochs, learning rates and the rule that stops training |
| `mlp` | a stack of multilayer perceptrons trained together, member by member as if alone |
| `network` | any torch module, one after another or in stacks |
| `stacked` | torch modules of one architecture that compute as one |
| `dropout` | dropout that every network of a stack draws for itself |
| `fit` | what a run gives back |

On the CPU a result is the same to the bit whatever ran beside it. On a GPU the library picks its
kernels by shape, so results agree within float tolerance only.
"""

from core.training.fit import Fit
from core.training.recipe import PAPER, Recipe

__all__ = ["PAPER", "Fit", "Recipe"]
