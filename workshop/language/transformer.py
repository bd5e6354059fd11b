"""A small decoder-only transformer, nearly as GPT-2 has it: tokens in, a row of features for each position out."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from workshop.language.desk import ANSWER_LENGTH, QUESTION_LENGTH, VOCABULARY

POSITIONS = QUESTION_LENGTH + ANSWER_LENGTH
WIDTH, LAYERS, HEADS = 64, 2, 4
INITIAL_STD = 0.05

Cache = list[tuple[torch.Tensor, torch.Tensor]]  # of each layer: the keys and values of the tokens so far


class Transformer(nn.Module):
    """Features of each position of texts, which depend on the tokens up to there (Radford et al. 2019).

    Layers of causal attention and of a network for each position, both added to what they are given, which is
    normalised first. `logits` reads off the features what comes next, by the embeddings of the tokens (tied).
    """

    def __init__(self, generator: torch.Generator, width: int = WIDTH, layers: int = LAYERS, heads: int = HEADS):
        super().__init__()
        self.tokens = nn.Embedding(len(VOCABULARY), width)
        self.positions = nn.Embedding(POSITIONS, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                last = name.endswith(("out.weight", "down.weight"))
                std = INITIAL_STD / math.sqrt(2 * layers) if last else INITIAL_STD
                nn.init.normal_(parameter, std=std, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: torch.Tensor, cache: Cache | None = None) -> torch.Tensor:
        """Features (n, L, width) of tokens (n, L); with a cache, of those that follow what is in it, and they go in."""
        before = cache[0][0].shape[2] if cache else 0
        features = self.tokens(tokens) + self.positions.weight[before : before + tokens.shape[1]]
        for number, layer in enumerate(self.layers):
            features = layer(features, cache, number)
        normalised: torch.Tensor = self.norm(features)
        return normalised

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """What comes next: logits (…, 112) for features (…, width)."""
        return F.linear(features, self.tokens.weight)


class Layer(nn.Module):
    """Attention to what stands before, and a network for each position."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, cache: Cache | None, number: int) -> torch.Tensor:
        """What comes out, (n, L, width), of what goes in; `number` is the layer's place in the cache."""
        n, length, width = x.shape
        heads = self.attend(self.norm_1(x)).view(n, length, 3, self.heads, width // self.heads)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)  # (n, heads, L, width / heads) each
        if cache is not None and number < len(cache):
            keys, values = (torch.cat([old, new], 2) for old, new in zip(cache[number], (keys, values), strict=True))
            cache[number] = keys, values
        elif cache is not None:
            cache.append((keys, values))
        # several tokens at once come first, so that nothing stands before them; a single one may see all
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=length > 1)
        x = x + self.out(attended.transpose(1, 2).reshape(n, length, width))
        added: torch.Tensor = x + self.down(F.relu(self.up(self.norm_2(x))))
        return added
