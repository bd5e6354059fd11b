"""A language model: what it answers, and how probable it finds an answer."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from workshop.language.desk import ANSWER_LENGTH, END, QUESTION_LENGTH
from workshop.language.transformer import Cache, Transformer
from workshop.safe_files import load_tensors, write_safely
from workshop.state import State

AT_ONCE = 8192  # answers, each of which takes a tenth of a megabyte while a network looks at it


class LanguageModel:
    """A policy over answers, made of a transformer that says what comes next.

    Questions are tokens (n, 5), answers tokens (n, 24), which are all `<end>` after the first one.
    """

    def __init__(self, network: Transformer):
        self.network = network

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.network.norm.weight.device

    @torch.no_grad()
    def sample(self, questions: np.ndarray, generator: np.random.Generator, greedy: bool = False) -> np.ndarray:
        """An answer to each question, int64 of shape (n, 24): drawn or, `greedy`, of the likeliest token each time.

        One random number decides each token, by the inverse of its distribution function.
        """
        if len(questions) > AT_ONCE:
            return np.concatenate([self.sample(some, generator, greedy) for some in pieces(questions)])
        numbers = torch.from_numpy(generator.random((len(questions), ANSWER_LENGTH), dtype=np.float32)).to(self.device)
        answers = torch.full((len(questions), ANSWER_LENGTH), END, device=self.device)
        going = torch.ones(len(questions), dtype=torch.bool, device=self.device)
        cache: Cache = []
        tokens = torch.from_numpy(questions).to(self.device)
        for place in range(ANSWER_LENGTH):
            logits = self.network.logits(self.network(tokens, cache)[:, -1])
            if greedy:
                chosen = logits.argmax(dim=-1)
            else:
                cumulated = logits.softmax(dim=-1).cumsum(dim=-1)
                chosen = (cumulated <= numbers[:, place, None] * cumulated[:, -1:]).sum(dim=-1)
            answers[:, place] = chosen.where(going, END)
            going &= chosen != END
            if not going.any():
                break
            tokens = answers[:, place, None]
        return answers.cpu().numpy()

    @torch.no_grad()
    def log_probabilities(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Of each token of the answers, in nats, float32 of shape (n, 24); 0 after the first `<end>`."""
        if len(questions) > AT_ONCE:
            each = zip(pieces(questions), pieces(answers), strict=True)
            return np.concatenate([self.log_probabilities(*some) for some in each])
        features = answer_features(self.network, *to_tensors(self.device, questions, answers))
        return log_probabilities(self.network.logits(features), torch.from_numpy(answers).to(self.device)).cpu().numpy()

    def state(self) -> State:
        """Its weights."""
        return {"network": self.network.state_dict()}

    def restore(self, state: State) -> None:
        """Take those weights."""
        self.network.load_state_dict(state["network"])

    def save(self, path: Path) -> None:
        """Write the weights, for `torch.load(path, weights_only=True)`."""
        write_safely(path, partial(torch.save, self.network.state_dict()))

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> "LanguageModel":
        """The model in a file that `save` wrote."""
        with path.open("rb") as stream:
            weights = load_tensors(stream)
        model = cls(Transformer(torch.Generator()).to(device))
        model.network.load_state_dict(weights)
        return model


def pieces(array: np.ndarray) -> list[np.ndarray]:
    """The array, some rows at a time, as many as fit into the memory with what a network makes of them."""
    return [array[i : i + AT_ONCE] for i in range(0, len(array), AT_ONCE)]


def to_tensors(device: torch.device, *arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    """The arrays as tensors on that device."""
    return tuple(torch.from_numpy(array).to(device) for array in arrays)


def answer_features(network: Transformer, questions: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """The features of which each token of the answers follows, (n, 24, width): those of the token before it."""
    features: torch.Tensor = network(torch.cat([questions, answers[:, :-1]], dim=1))
    return features[:, QUESTION_LENGTH - 1 :]


def written(answers: torch.Tensor) -> torch.Tensor:
    """Which tokens are part of the answers: all up to the first `<end>`, and it; bool of the same shape (n, 24)."""
    ended = (answers == END).cumsum(dim=1)
    return ended - (answers == END).long() == 0


def log_probabilities(logits: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Of each token of the answers, given logits (n, 24, 112): (n, 24), 0 after the first `<end>`."""
    chosen = logits.log_softmax(dim=-1).gather(-1, answers.unsqueeze(-1)).squeeze(-1)
    return chosen * written(answers)


@torch.no_grad()
def kl_divergence(policy: LanguageModel, sft: LanguageModel, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """How far the policy has moved from `sft`, in nats an answer, for answers that it gave; float64 of shape (n,).

    The Kullback-Leibler divergence of what may come next, exactly, before each token of the answer up to its `<end>`,
    added up. The mean over answers of the policy is that of all its answers.
    """
    tensors = to_tensors(policy.device, questions, answers)
    new, old = (model.network.logits(answer_features(model.network, *tensors)) for model in (policy, sft))
    new, old = new.log_softmax(dim=-1), old.log_softmax(dim=-1)
    each = (new.exp() * (new - old)).sum(dim=-1) * written(tensors[1])
    return each.sum(dim=1).double().cpu().numpy()
