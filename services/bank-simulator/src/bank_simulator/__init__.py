"""A simulated core bank: extracts, events and planted answers."""
