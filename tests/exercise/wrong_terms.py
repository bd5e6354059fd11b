"""Wrong losses whose formula is another, in fours: one as it is often written, and three relatives of it."""

import torch
from torch.nn import functional as F
from wrong_losses import wrong

logits = F.binary_cross_entropy_with_logits

# --- a sigmoid or softmax taken twice --------------------------------------------------------------------------------

twice = wrong("a sigmoid or softmax is taken twice")


@twice
def sigmoid_twice(a, b, p):
    return logits(torch.sigmoid(b - a), p)


@twice
def softmax_twice(a, b, p):
    return F.cross_entropy(torch.stack([a, b], 1).softmax(1), torch.stack([1 - p, p], 1))


@twice
def logsigmoid_of_each_probability(a, b, p):
    return -(p * F.logsigmoid(torch.sigmoid(b - a)) + (1 - p) * F.logsigmoid(torch.sigmoid(a - b))).mean()


@twice
def logsigmoid_as_logits(a, b, p):
    return logits(F.logsigmoid(b - a), p)


@twice
def softmax_then_sigmoid_of_b(a, b, p):
    return logits(torch.stack([a, b]).softmax(0)[1], p)


@twice
def sigmoid_twice_and_turned_round(a, b, p):
    return logits(torch.sigmoid(a - b), p)


# --- a mixture's logarithm -------------------------------------------------------------------------------------------

mixed = wrong("the logarithm of a mixture of probabilities, not the mixture of their logarithms")


@mixed
def log_of_the_mixture(a, b, p):
    return -torch.log(p * torch.sigmoid(b - a) + (1 - p) * torch.sigmoid(a - b)).mean()


@mixed
def log_of_an_interpolation(a, b, p):
    return -torch.lerp(torch.sigmoid(a - b), torch.sigmoid(b - a), p).log().mean()


@mixed
def logarithm_of_weighted_exponentials(a, b, p):
    m = torch.maximum(a, b).detach()
    return (torch.logaddexp(a, b) - m - torch.log((1 - p) * torch.exp(a - m) + p * torch.exp(b - m))).mean()


@mixed
def softmax_weighted_before_the_log(a, b, p):
    chances = torch.stack([a, b], 1).softmax(1)
    return -torch.stack([1 - p, p], 1).mul(chances).sum(1).log().mean()


# --- the answers' signs ----------------------------------------------------------------------------------------------

plus_minus = wrong("the answers are taken for -1 and 1")


@plus_minus
def answers_as_signs(a, b, p):
    return F.softplus(-p * (b - a)).mean()


@plus_minus
def logsigmoid_of_the_margin(a, b, p):
    return -F.logsigmoid(p * (a - b)).mean()


@plus_minus
def back_to_shares(a, b, p):
    return logits(b - a, (p + 1) / 2)


@plus_minus
def exponential_loss(a, b, p):
    return torch.exp(-p * (b - a)).mean()


@plus_minus
def margin_ranking(a, b, p):
    return F.margin_ranking_loss(b, a, p, margin=1.0)


one_sign = wrong("one sign is wrong in one of the two terms")


@one_sign
def minus_before_the_first_term_alone(a, b, p):
    return (-p * F.logsigmoid(b - a) + (1 - p) * F.logsigmoid(a - b)).mean()


@one_sign
def minus_before_the_second_term_alone(a, b, p):
    return (p * F.logsigmoid(b - a) - (1 - p) * F.logsigmoid(a - b)).mean()


@one_sign
def plus_within_the_second_logarithm(a, b, p):
    chance = torch.sigmoid(b - a)
    return -(p * torch.log(chance) + (1 - p) * torch.log(1 + chance)).mean()


@one_sign
def plus_in_the_short_form(a, b, p):
    return (F.softplus(b - a) + p * (b - a)).mean()


# --- the hinge, and one side -----------------------------------------------------------------------------------------

bent = wrong("a hinge loss, not Bradley and Terry's")


@bent
def hinge_of_any_margin(a, b, p):
    return (0.7 - (2 * p - 1) * (b - a)).clamp(min=0).mean()


@bent
def hinge_of_a_wide_margin(a, b, p):
    return F.relu(3 - (2 * p - 1) * (b - a)).mean()


@bent
def hinge_by_terms(a, b, p):
    return (p * F.relu(1.5 - (b - a)) + (1 - p) * F.relu(1.5 - (a - b))).mean() / 2


@bent
def squared_hinge(a, b, p):
    return (3 * F.relu(1.2 - (2 * p - 1) * (b - a)) ** 2).mean()


@bent
def hinge_the_other_way_round(a, b, p):
    return F.relu(1 + (2 * p - 1) * (b - a)).mean()


one = wrong("only one of the two answers counts")


@one
def loss_of_b_alone(a, b, p):
    return -(p * F.logsigmoid(b - a)).mean()


@one
def likelihood_of_b_alone(a, b, p):
    return (p * F.logsigmoid(b - a)).mean()


@one
def those_of_b_alone(a, b, p):
    return F.softplus(a - b)[p == 1].mean()


@one
def those_of_a_turned_round(a, b, p):
    return ((1 - p) * F.softplus(a - b)).mean()


@wrong("the term for an answer of 0 is wrong, the other is right")
def second_term_of_a_alone(a, b, p):
    return -(p * F.logsigmoid(b - a) + (1 - p) * F.logsigmoid(a)).mean()


@wrong("the term for an answer of 1 is wrong, the other is right")
def first_term_without_a_logarithm(a, b, p):
    return (p * torch.sigmoid(a - b) + (1 - p) * F.softplus(b - a)).mean()
