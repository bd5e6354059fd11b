"""What flows: the transitions of rollouts, fragments of them, and comparisons of two fragments."""

from workshop.data.comparisons import Comparisons
from workshop.data.elements import Space, no_elements, shape_of
from workshop.data.fragments import Fragments, cut
from workshop.data.rollouts import Rollouts
