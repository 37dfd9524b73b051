"""Engines that run the models."""
