"""How every network is trained: the X-Factor paper's recipe as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Adam on the cross-entropy, in shuffled batches, until the training set is learnt.

    The accuracy that stops training is that of a full pass over the training set after the
    epoch, in evaluation mode (batch normalisation uses its running statistics). A running
    accuracy over the epoch's batches would be free, but it mixes the weights of many steps and
    sees batch normalisation in a mode that testing never uses; a full pass is the accuracy of
    the very weights that are tested, and the number stored with the score. Every network is
    stopped by this rule.

    Args:
        batch: Images in a batch; the last batch of an epoch may be smaller.
        min_epochs: Epochs trained in any case.
        max_epochs: Epochs after which training ends in any case.
        accuracy: Training accuracy that ends training, from `min_epochs` on.
        rates: Pairs (epoch counted from 1, learning rate from that epoch on), in order.

    References:
        X-Factor paper, section 2.4.
    """

    batch: int = 200
    min_epochs: int = 50
    max_epochs: int = 500
    accuracy: float = 0.99
    rates: tuple[tuple[int, float], ...] = ((1, 1e-3), (2, 1e-4), (300, 1e-5))

    def learning_rate(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 1."""
        return next(rate for first, rate in reversed(self.rates) if epoch >= first)

    def may_stop(self, epoch: int) -> bool:
        """Whether the training accuracy is looked at after this epoch, counted from 1."""
        return epoch >= min(self.min_epochs, self.max_epochs)

    def stops(self, epoch: int, accuracy: float) -> bool:
        """Whether training ends after this epoch, counted from 1, at this training accuracy."""
        return epoch >= self.max_epochs or (epoch >= self.min_epochs and accuracy >= self.accuracy)

    def batches(self, images: int) -> list[slice]:
        """Where the batches of an epoch begin and end in the shuffled training set.

        Batch normalisation cannot train on one image, so a last batch of one joins the batch
        before it; for all networks, so that all see the same batches.
        """
        starts = list(range(0, images, self.batch))
        if len(starts) > 1 and images - starts[-1] == 1:
            starts.pop()
        return [slice(a, b) for a, b in zip(starts, [*starts[1:], images], strict=True)]


PAPER = Recipe()
