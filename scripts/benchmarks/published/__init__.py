"""Published fits of neural ODEs, done again: the same models, data and losses; peers beside, in the same session."""
