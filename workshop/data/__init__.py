"""What flows: rollouts, fragments, comparisons."""
