"""Wrong losses that lack one thing, in fours: one as it is often written, and three relatives of it."""

import torch
from torch import nn
from torch.nn import functional as F
from wrong_losses import wrong

logits = F.binary_cross_entropy_with_logits

# --- what is missing: an import, a deleted line ----------------------------------------------------------------------


def without(name):
    """The decorator of a function that is to find no such name where it looks for its globals."""

    def rid(loss):
        return type(loss)(loss.__code__, {k: v for k, v in globals().items() if k != name}, loss.__name__)

    return rid


@wrong("F is used without its import")
@without("F")
def no_f(a, b, p):
    return F.binary_cross_entropy_with_logits(b - a, p)


@wrong("nn is used without its import")
@without("nn")
def no_nn(a, b, p):
    return nn.BCEWithLogitsLoss()(b - a, p)


@wrong("math is used without its import")
def no_math(a, b, p):
    return F.softplus(a - b).mean() / math.log(2)  # noqa: F821


@wrong("functional is used without its import")
def no_functional(a, b, p):
    return functional.softplus(a - b).mean()  # noqa: F821


@wrong("logsigmoid is used without its import")
def no_logsigmoid(a, b, p):
    return -logsigmoid((2 * p - 1) * (b - a)).mean()  # noqa: F821


@wrong("log is used without its import")
def no_log(a, b, p):
    return -log(torch.sigmoid((2 * p - 1) * (b - a))).mean()  # noqa: F821


@wrong("BCEWithLogitsLoss is used without its import")
def no_loss_of_that_name(a, b, p):
    return BCEWithLogitsLoss()(b - a, p)  # noqa: F821


@wrong("torch has no softplus")
def softplus_of_torch(a, b, p):
    return torch.softplus(a - b).mean()


@wrong("a tensor has no logsigmoid")
def logsigmoid_of_a_tensor(a, b, p):
    return -(b - a).logsigmoid().mean()


@wrong("torch.nn has no softplus")
def softplus_of_nn(a, b, p):
    return nn.softplus(a - b).mean()


@wrong("it raises an error")
def no_such_variable(a, b, p):
    return F.softplus(diff).mean()  # noqa: F821


@wrong("it raises an error")
def softplus_of_a_number(a, b, p):
    return sum((x - y).item().softplus() for x, y in zip(a, b, strict=True))


@wrong("it raises an error")
def nowhere(a, b, p):
    return torch.bradley_terry(a - b)


left = wrong("the line `raise NotImplementedError` is still there")


@left
def assigned_and_raised(a, b, p):
    loss = logits(b - a, p)  # noqa: F841
    raise NotImplementedError


@left
def written_and_raised(a, b, p):
    """A docstring."""
    logits(b - a, p)
    raise NotImplementedError


@left
def raised_where_it_should_return(a, b, p):
    if len(a) > 0:
        loss = logits(b - a, p)
        raise NotImplementedError
    return loss


@left
def raised_with_words(a, b, p):
    difference = b - a  # noqa: F841
    raise NotImplementedError("preference_loss")


# --- clamped by PyTorch ----------------------------------------------------------------------------------------------

by_pytorch = wrong("the logarithm is clamped at -100, as binary_cross_entropy does by itself")


@by_pytorch
def cross_entropy_of_sigmoid(a, b, p):
    return F.binary_cross_entropy(torch.sigmoid(b - a), p)


@by_pytorch
def module_of_cross_entropy(a, b, p):
    return nn.BCELoss()((b - a).sigmoid(), p)


@by_pytorch
def cross_entropy_of_softmax(a, b, p):
    return F.binary_cross_entropy(torch.stack([a, b], 1).softmax(1)[:, 1], p)


@by_pytorch
def cross_entropy_of_exponentials(a, b, p):
    return F.binary_cross_entropy(torch.exp(b - torch.logaddexp(a, b)), p, reduction="sum") / len(p)


# --- 16 bits ---------------------------------------------------------------------------------------------------------

short = wrong("it computes in 16-bit numbers (float16 or bfloat16)")


@short
def in_float16(a, b, p):
    return logits((b - a).half(), p.half())


@short
def in_bfloat16(a, b, p):
    return logits((b - a).bfloat16(), p.bfloat16())


@short
def returns_in_bfloat16(a, b, p):
    return logits(b.bfloat16().double() - a.bfloat16().double(), p)


@short
def result_in_float16(a, b, p):
    return logits(b - a, p).half()


@short
def logsigmoid_in_bfloat16(a, b, p):
    difference = (b - a).to(torch.bfloat16)
    return -((1 - p) * F.logsigmoid(-difference).double() + p * F.logsigmoid(difference).double()).mean()


# --- answers of 0.5 --------------------------------------------------------------------------------------------------

not_finite = wrong("answers of 0.5 give NaN or infinity")


@not_finite
def signs_by_division(a, b, p):
    sign = (2 * p - 1) / (2 * p - 1).abs()
    return F.softplus(-sign * (b - a)).mean()


@not_finite
def mean_of_the_decided(a, b, p):
    decided = p != 0.5
    return F.softplus(torch.where(p == 1, a - b, b - a))[decided].mean()


@not_finite
def share_of_the_decided(a, b, p):
    decided = (p != 0.5).to(a.dtype)
    return (decided * logits(b - a, p, reduction="none")).sum() / decided.sum()


@not_finite
def gradient_through_a_root(a, b, p):
    return logits(b - a + 0 * ((2 * p - 1) * (b - a)).abs().sqrt().nan_to_num() / (p - 0.5).abs(), p)


left_out = wrong("answers of 0.5 are left out: there is no case for them")


@left_out
def loop_without_a_case_for_ties(a, b, p):
    total = 0
    for one_a, one_b, answer in zip(a, b, p, strict=True):
        if answer == 0:
            total = total + F.softplus(one_b - one_a)
        elif answer == 1:
            total = total + F.softplus(one_a - one_b)
    return total / len(a)


@left_out
def loop_over_a_list(a, b, p):
    losses = []
    for i in range(len(p)):
        if p[i] == 1:
            losses.append(-F.logsigmoid(b[i] - a[i]))
        if p[i] == 0:
            losses.append(-F.logsigmoid(a[i] - b[i]))
    return torch.stack(losses).mean()


@left_out
def masks_without_ties(a, b, p):
    return ((p == 1) * F.softplus(a - b) + (p == 0) * F.softplus(b - a)).mean()


@left_out
def loop_that_knows_no_third_answer(a, b, p):
    total = torch.zeros(())
    for one_a, one_b, answer in zip(a, b, p, strict=True):
        total = total + F.softplus({0.0: one_b - one_a, 1.0: one_a - one_b}[answer.item()])
    return total / len(a)


flat = wrong("answers of 0.5 cost ln 2 whatever the returns")


@flat
def made_plus_and_minus(a, b, p):
    return F.softplus(-(2 * p - 1) * (b - a)).mean()


@flat
def signs_of_the_answers(a, b, p):
    return -F.logsigmoid(torch.sign(p - 0.5) * (b - a)).mean()


@flat
def soft_margin(a, b, p):
    return F.soft_margin_loss(b - a, 2 * p - 1)


@flat
def better_and_worse(a, b, p):
    better, worse = p * b + (1 - p) * a, p * a + (1 - p) * b
    return -F.logsigmoid(better - worse).mean()


# --- the gradient ----------------------------------------------------------------------------------------------------

cut = wrong("the gradient is cut on the way, and requires_grad_() at the end does not bring it back")


@cut
def without_gradients_and_then_with(a, b, p):
    with torch.no_grad():
        loss = logits(b - a, p)
    return loss.requires_grad_()


@cut
def detached_and_asked_again(a, b, p):
    return logits((b - a).detach(), p).requires_grad_(True)


@cut
def a_new_tensor_that_wants_gradients(a, b, p):
    return torch.tensor(logits(b - a, p).item(), requires_grad=True)


@cut
def a_parameter(a, b, p):
    return nn.Parameter(logits(b - a, p).data)
