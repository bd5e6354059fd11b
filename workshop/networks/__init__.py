"""What a reward model can be made of."""
