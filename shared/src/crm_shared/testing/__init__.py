"""What tests of several services need: real processes, real topics, bad networks."""
