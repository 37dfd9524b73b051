"""Organisation units, employees, and who the viewer is."""
