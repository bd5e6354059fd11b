"""Wrong ways to write the loss, each with the name that the checker must give it."""

import math
from collections.abc import Callable

import torch
from torch.nn import functional as F

WRONG: list[tuple[str, Callable[..., object]]] = []


def wrong(diagnosis: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    def keep(loss: Callable[..., object]) -> Callable[..., object]:
        WRONG.append((diagnosis, loss))
        return loss

    return keep


# --- wrong: the form of what is returned -----------------------------------------------------------------------------


@wrong("it returns nothing")
def no_return(a, b, p):
    F.binary_cross_entropy_with_logits(b - a, p)


@wrong("it returns a vector, not one number")
def not_reduced(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p, reduction="none")


@wrong("it returns a plain number, not a tensor")
def python_float(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p).item()


@wrong("no gradient flows through what it returns")
def detached(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p).detach()


@wrong("no gradient flows through what it returns")
def new_tensor(a, b, p):
    return torch.tensor(F.binary_cross_entropy_with_logits(b - a, p).item())


@wrong("it raises an error")
def misspelled(a, b, p):
    return F.binary_crossentropy_with_logits(b - a, p)


@wrong("it changes its inputs")
def subtracts_in_place(a, b, p):
    b -= a
    return F.binary_cross_entropy_with_logits(b, p)


@wrong("it changes its inputs")
def rounds_answers_in_place(a, b, p):
    loss = F.binary_cross_entropy_with_logits(b - a, p.clone())
    p.round_().clamp_(0, 0)
    return loss


@wrong("it returns something other than a tensor")
def tuple_of_loss(a, b, p):
    return (F.binary_cross_entropy_with_logits(b - a, p),)


@wrong("it gives different values for the same comparisons")
def dropout(a, b, p):
    return F.binary_cross_entropy_with_logits(F.dropout(b - a), p) + torch.rand(())


@wrong("its gradient cannot be computed")
def goes_backward_itself(a, b, p):
    loss = F.binary_cross_entropy_with_logits(b - a, p)
    loss.backward()
    return loss


# --- wrong: the formula ----------------------------------------------------------------------------------------------


@wrong("the answers are read the other way round")
def sign_flipped(a, b, p):
    return F.binary_cross_entropy_with_logits(a - b, p)


@wrong("the answers are read the other way round")
def answers_flipped(a, b, p):
    return -(p * F.logsigmoid(a - b) + (1 - p) * F.logsigmoid(b - a)).mean()


@wrong("the minus sign is missing: this is the log-likelihood")
def log_likelihood(a, b, p):
    return (p * F.logsigmoid(b - a) + (1 - p) * F.logsigmoid(a - b)).mean()


@wrong("the minus sign is missing, and the answers are read the other way round")
def log_likelihood_of_the_others(a, b, p):
    return (p * F.logsigmoid(a - b) + (1 - p) * F.logsigmoid(b - a)).mean()


@wrong("the logarithm is missing: this is a probability")
def probability(a, b, p):
    return (p * torch.sigmoid(b - a) + (1 - p) * torch.sigmoid(a - b)).mean()


@wrong("the logarithm is missing: this is a probability")
def minus_probability(a, b, p):
    return -torch.where(p > 0.5, torch.sigmoid(b - a), torch.sigmoid(a - b)).mean()


@wrong("the logarithm is missing: this is a probability")
def distance_from_the_answer(a, b, p):
    return (torch.sigmoid(b - a) - p).abs().mean()


@wrong("each fragment gets a probability of its own, which is not Bradley and Terry's model")
def each_alone(a, b, p):
    return -(p * F.logsigmoid(b) + (1 - p) * F.logsigmoid(a)).mean()


@wrong("each fragment gets a probability of its own, which is not Bradley and Terry's model")
def only_b(a, b, p):
    return F.binary_cross_entropy_with_logits(b, p)


@wrong("each fragment gets a probability of its own, which is not Bradley and Terry's model")
def difference_of_probabilities(a, b, p):
    return F.binary_cross_entropy_with_logits(torch.sigmoid(b) - torch.sigmoid(a), p)


@wrong("the answers are ignored")
def b_always_wins(a, b, p):
    return F.softplus(a - b).mean()


@wrong("answers of 0.5 are not counted half for each side")
def ties_go_to_a(a, b, p):
    return torch.where(p == 1, F.softplus(a - b), F.softplus(b - a)).mean()


@wrong("answers of 0.5 are left out: there is no case for them")
def ties_are_left_out(a, b, p):
    decided = (p != 0.5).to(a.dtype)
    return (decided * F.binary_cross_entropy_with_logits(b - a, p, reduction="none")).mean()


@wrong("only one of the two answers counts")
def one_term(a, b, p):
    return -(p * F.logsigmoid(b - a)).mean()


@wrong("a hard threshold, which has no gradient")
def accuracy(a, b, p):
    return ((b > a).to(p.dtype) - p).abs().mean()


@wrong("a hard threshold, which has no gradient")
def signs(a, b, p):
    return (torch.sign(b - a) * (1 - 2 * p)).mean()


@wrong("a hinge loss, not Bradley and Terry's")
def hinge(a, b, p):
    return F.relu(1 - (2 * p - 1) * (b - a)).mean()


@wrong("a hinge loss, not Bradley and Terry's")
def perceptron(a, b, p):
    return F.relu((1 - 2 * p) * (b - a)).mean()


@wrong("a squared or absolute error, not a negative log-likelihood")
def squared_error(a, b, p):
    return F.mse_loss(torch.sigmoid(b - a), p)


@wrong("a squared or absolute error, not a negative log-likelihood")
def squared_error_of_returns(a, b, p):
    return ((b - a - p) ** 2).mean()


@wrong("the bare difference of the returns, without a probability")
def bare_difference(a, b, p):
    return ((1 - 2 * p) * (b - a)).mean()


@wrong("only one of the two answers counts")
def other_term(a, b, p):
    return ((1 - p) * F.softplus(b - a)).mean()


@wrong("a temperature of 2 slipped in")
def temperature(a, b, p):
    return F.binary_cross_entropy_with_logits((b - a) / 2, p)


@wrong("the logarithm is to the base 2")
def base_2(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p) / math.log(2)


@wrong("it is 2 times what it should be")
def both_terms_twice(a, b, p):
    return 2 * F.binary_cross_entropy_with_logits(b - a, p)


@wrong("it gives NaN")
def exponentials_forgotten(a, b, p):
    return -(p * torch.log(b / (a + b)) + (1 - p) * torch.log(a / (a + b))).mean()


# --- wrong: the batch ------------------------------------------------------------------------------------------------


@wrong("it is the sum over the batch, not the mean")
def summed(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p, reduction="sum")


@wrong("shapes (batch,) and (batch, 1) were mixed")
def broadcast(a, b, p):
    p = p.unsqueeze(1)
    return -(p * F.logsigmoid(b - a) + (1 - p) * F.logsigmoid(a - b)).mean()


@wrong("shapes (batch,) and (batch, 1) were mixed")
def broadcast_returns(a, b, p):
    difference = b - a[:, None]
    return (F.softplus(difference) - p * difference).mean()


@wrong("shapes (batch,) and (batch, 1) were mixed")
def broadcast_and_not_reduced(a, b, p):
    return F.softplus(b - a) - p[:, None] * (b - a)


@wrong("the comparisons of a batch get mixed up")
def softmax_over_the_batch(a, b, p):
    log_p = torch.stack([a, b]).log_softmax(dim=1)
    return -((1 - p) * log_p[0] + p * log_p[1]).mean()


# --- wrong: far apart, and the gradient ------------------------------------------------------------------------------


@wrong("it overflows where returns are far apart")
def log_of_sigmoid(a, b, p):
    return -(p * torch.log(torch.sigmoid(b - a)) + (1 - p) * torch.log(torch.sigmoid(a - b))).mean()


@wrong("it overflows where returns are far apart")
def exponentials(a, b, p):
    probability = torch.exp(b) / (torch.exp(a) + torch.exp(b))
    return -(p * torch.log(probability) + (1 - p) * torch.log(1 - probability)).mean()


@wrong("it overflows where returns are far apart")
def exponentials_into_pytorchs_cross_entropy(a, b, p):
    return F.binary_cross_entropy(torch.exp(b) / (torch.exp(a) + torch.exp(b)), p)


@wrong("something is clamped where returns are far apart")
def clamped(a, b, p):
    return F.binary_cross_entropy_with_logits((b - a).clamp(-50, 50), p)


@wrong("something is clamped where returns are far apart")
def small_number_added(a, b, p):
    return -(p * torch.log(torch.sigmoid(b - a) + 1e-8) + (1 - p) * torch.log(torch.sigmoid(a - b) + 1e-8)).mean()


@wrong("no gradient reaches returns_a")
def half_detached(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a.detach(), p)


# --- wrong in ways that have no name: each breaks one property alone -------------------------------------------------

NAMELESS = "it is not Bradley and Terry's loss"


def plus(a, b, p, extra):
    """The right loss, and something that has no gradient."""
    return (F.binary_cross_entropy_with_logits(b - a, p, reduction="none") + extra.detach().to(a.dtype)).mean()


@wrong(NAMELESS)
def wrong_where_returns_are_equal(a, b, p):
    return plus(a, b, p, (a == b) & (p != 0.5))


@wrong(NAMELESS)
def wrong_between_near_and_far(a, b, p):
    difference = b - a
    return plus(a, b, p, difference**2 * torch.exp(-(difference**2)) * (2 * p - 1).abs())


@wrong(NAMELESS)
def wrong_where_both_returns_are_large(a, b, p):
    return plus(a, b, p, ((a + b).abs() > 20) & ((a + b).abs() < 900))


@wrong(NAMELESS)
def wrong_for_some_signs(a, b, p):
    return plus(a, b, p, (a < -0.2) & (b > 1))


@wrong(NAMELESS)
def gradient_doubled_near_by(a, b, p):
    loss = F.binary_cross_entropy_with_logits(b - a, p, reduction="none")
    return torch.where(((b - a).abs() < 100) & (p != 0.5), 2 * loss - loss.detach(), loss).mean()
