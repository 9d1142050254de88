"""The model under test: asked beforehand, held still, copied, and kept from what it is measured with."""
