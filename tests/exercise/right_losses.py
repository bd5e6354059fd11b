"""Right ways to write the loss."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

RIGHT: list[Callable[..., Tensor]] = []


def right(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    RIGHT.append(loss)
    return loss


@right
def cross_entropy_with_logits(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p)


@right
def logsigmoid_of_both(a, b, p):
    return -((1 - p) * F.logsigmoid(a - b) + p * F.logsigmoid(b - a)).mean()


@right
def logsigmoid_with_where(a, b, p):
    for_a, for_b = -F.logsigmoid(a - b), -F.logsigmoid(b - a)
    return torch.where(p == 0, for_a, torch.where(p == 1, for_b, (for_a + for_b) / 2)).mean()


@right
def cross_entropy_of_stacked_returns(a, b, p):
    return F.cross_entropy(torch.stack([a, b], dim=1), torch.stack([1 - p, p], dim=1))


@right
def log_softmax(a, b, p):
    log_p = torch.stack([a, b]).log_softmax(dim=0)
    return -((1 - p) * log_p[0] + p * log_p[1]).mean()


@right
def softplus(a, b, p):
    return (F.softplus(b - a) - p * (b - a)).mean()


@right
def logsumexp(a, b, p):
    return (torch.logsumexp(torch.stack([a, b]), dim=0) - (1 - p) * a - p * b).mean()


@right
def logaddexp(a, b, p):
    return torch.mean(torch.logaddexp(a, b) - torch.lerp(a, b, p))


@right
def by_hand_and_stable(a, b, p):
    difference = b - a
    return (difference.clamp(min=0) + torch.log1p(torch.exp(-difference.abs())) - p * difference).mean()


@right
def in_float64(a, b, p):
    return F.binary_cross_entropy_with_logits((b - a).double(), p.double())


@right
def in_float32(a, b, p):
    return F.binary_cross_entropy_with_logits((b - a).float(), p.float())


@right
def a_loop(a, b, p):
    total = torch.zeros((), dtype=a.dtype)
    for one_a, one_b, one_p in zip(a, b, p, strict=True):
        total = total + (1 - one_p) * F.softplus(one_b - one_a) + one_p * F.softplus(one_a - one_b)
    return total / len(a)


@right
def sum_over_the_size_of_the_batch(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p, reduction="sum") / a.numel()


@right
def log_softmax_twice_which_changes_nothing(a, b, p):
    return F.cross_entropy(torch.stack([a, b], 1).log_softmax(1), torch.stack([1 - p, p], 1))


@right
def a_module(a, b, p):
    return torch.nn.BCEWithLogitsLoss()(b - a, p)


@right
def plus_and_minus_with_ties_mixed_in(a, b, p):
    sign = torch.tensor([[-1.0], [1.0]], dtype=a.dtype)
    return (torch.stack([1 - p, p]) * F.softplus(-sign * (b - a))).sum(0).mean()


@right
def columns(a, b, p):
    a, b, p = a[:, None], b[:, None], p[:, None]
    return F.binary_cross_entropy_with_logits(b - a, p, reduction="none").squeeze(1).mean()


@right
def where_with_a_case_for_each(a, b, p):
    better, worse = torch.where(p > 0.5, b, a), torch.where(p > 0.5, a, b)
    tie = (F.softplus(b - a) + F.softplus(a - b)) / 2
    return torch.where(p == 0.5, tie, F.softplus(worse - better)).mean()


@right
def a_list_of_scalars(a, b, p):
    terms = [torch.logaddexp(x, y) - (1 - q) * x - q * y for x, y, q in zip(a, b, p, strict=True)]
    return sum(terms) / len(terms)


@right
def shifted_by_the_larger(a, b, p):
    largest = torch.maximum(a, b)
    log_sum = largest + torch.log(torch.exp(a - largest) + torch.exp(b - largest))
    return torch.mean(log_sum - (1 - p) * a - p * b)


@right
def kullback_leibler(a, b, p):
    answers = torch.stack([1 - p, p], 1)
    divergence = F.kl_div(torch.stack([a, b], 1).log_softmax(1), answers, reduction="batchmean")
    return divergence + torch.special.entr(answers).sum(1).mean()


@right
def einsum(a, b, p):
    log_p = torch.log_softmax(torch.stack((a, b)), 0)
    return -torch.einsum("ij,ij->", torch.stack((1 - p, p)), log_p) / p.shape[0]


@right
def log_of_expit(a, b, p):
    return -(p * F.logsigmoid(b - a) + (1 - p) * (F.logsigmoid(b - a) - (b - a))).mean()
