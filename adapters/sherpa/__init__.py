"""The generator `sherpa`: drives the user's Sherpa 3 from a card."""
