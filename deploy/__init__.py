"""Everything that starts the system: local servers, images, the demo."""
