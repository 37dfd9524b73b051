"""What `make bench-acrm` compares the batch with."""
